//! `max_live_threads` over all calls of the process: waiting for permits, and refusing them.
#![cfg(target_os = "linux")]

mod support {
    pub(crate) mod child;
    pub(crate) mod gauge;
}

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_threads::{Stop, TaskError, Threads};
use rustix::process::Resource;
use support::child::{in_a_child, lower};
use support::gauge::Gauge;

/// Runs `body` in a process with a low `max_live_threads`, and passes it that number.
fn with_few_threads(test: &str, body: impl FnOnce(usize)) {
    in_a_child(test, || {
        // Far above what the user runs already, so that the crate's limit applies first.
        lower(Resource::Nproc, 2_000);
        let max = effective_threads::max_live_threads();
        assert!(max <= 1_000, "{max}");
        body(max);
    });
}

#[test]
fn max_live_threads_holds_over_all_calls_together() {
    let name = "max_live_threads_holds_over_all_calls_together";
    with_few_threads(name, |max| {
        const PATIENCE: Duration = Duration::from_secs(10);
        let (gauge, both, start) = (Gauge::default(), Barrier::new(2), Instant::now());
        let task = || {
            // No task ends before there are many, however slowly they start.
            while gauge.peak() < max / 2 && start.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(20));
            }
            thread::sleep(Duration::from_millis(80));
        };
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    both.wait();
                    let results = effective_threads::map(0..1_200, |_| gauge.during(task));
                    assert!(results.iter().all(Result::is_ok));
                });
            }
        });
        assert!((max / 2..=max).contains(&gauge.peak()), "{}", gauge.peak());
    });
}

/// Runs `body` while another call holds all permits. The token ends that call.
fn with_all_threads_taken(max: usize, body: impl FnOnce(&Stop) + Send) {
    let (release, started) = (Stop::new(), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let held = effective_threads::map(0..max, |_| {
                started.fetch_add(1, Ordering::SeqCst);
                release.wait_timeout(Duration::from_secs(20))
            });
            assert!(held.into_iter().all(|released| released.unwrap()));
        });
        while started.load(Ordering::SeqCst) < max {
            thread::sleep(Duration::from_millis(1));
        }
        body(&release);
        release.stop();
    });
}

#[test]
fn call_waits_for_another_that_holds_all_threads() {
    with_few_threads("call_waits_for_another_that_holds_all_threads", |max| {
        with_all_threads_taken(max, |release| {
            thread::scope(|scope| {
                let waiting = scope.spawn(|| effective_threads::map(0..3, |n| n));
                // Much longer than a call retries after a refusal of the system.
                thread::sleep(Duration::from_millis(400));
                assert!(!waiting.is_finished());
                release.stop();
                let results = waiting.join().unwrap();
                assert!(matches!(results[..], [Ok(0), Ok(1), Ok(2)]), "{results:?}");
            });
        });
    });
}

#[test]
fn wait_for_a_permit_ends_at_deadline_or_stop() {
    with_few_threads("wait_for_a_permit_ends_at_deadline_or_stop", |max| {
        with_all_threads_taken(max, |_| {
            let late = Threads::new()
                .deadline(Duration::from_millis(50))
                .map([1], |n| n);
            assert!(matches!(late[..], [Err(TaskError::TimedOut)]), "{late:?}");
            let stop = Stop::new();
            thread::scope(|scope| {
                let stopped = scope.spawn(|| Threads::new().stop(&stop).map([1, 2], |n| n));
                thread::sleep(Duration::from_millis(50));
                stop.stop();
                let stopped = stopped.join().unwrap();
                assert!(
                    matches!(
                        stopped[..],
                        [Err(TaskError::Stopped), Err(TaskError::Stopped)]
                    ),
                    "{stopped:?}"
                );
            });
        });
    });
}

#[test]
fn fault_5_nested_calls_that_hold_all_threads_never_hang() {
    let name = "fault_5_nested_calls_that_hold_all_threads_never_hang";
    with_few_threads(name, |max| {
        let all = Barrier::new(max);
        let (refused, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let outer = effective_threads::map(0..max, |n| {
            // Each task has a thread and waits for another one.
            all.wait();
            match &effective_threads::map([n], |n| n)[..] {
                [Ok(m)] if *m == n => done.fetch_add(1, Ordering::SeqCst),
                [Err(error @ TaskError::Refused(_))] => {
                    assert!(error.to_string().contains("nested"), "{error}");
                    refused.fetch_add(1, Ordering::SeqCst)
                }
                other => panic!("{other:?}"),
            }
        });
        assert!(outer.iter().all(Result::is_ok), "{outer:?}");
        let (refused, done) = (refused.into_inner(), done.into_inner());
        // The first refused task ends and releases its permit, so few are refused.
        assert!(refused >= 1 && refused + done == max, "{refused} + {done}");
    });
}

#[test]
fn nested_call_waits_while_any_other_thread_may_end() {
    let name = "nested_call_waits_while_any_other_thread_may_end";
    with_few_threads(name, |max| {
        let (all, free) = (Barrier::new(max), AtomicBool::new(false));
        let outer = effective_threads::map(0..max, |n| {
            all.wait();
            if n == 0 {
                thread::sleep(Duration::from_millis(400));
                free.store(true, Ordering::SeqCst);
                return true;
            }
            let inner = effective_threads::map([()], |()| free.load(Ordering::SeqCst));
            matches!(inner[..], [Ok(true)])
        });
        assert!(outer.into_iter().all(|waited| waited.unwrap()));
    });
}
