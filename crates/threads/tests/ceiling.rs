//! The ceiling over all calls of the process: who waits for whom, and who is refused.
#![cfg(target_os = "linux")]

mod support;

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_threads::{Stop, TaskError, Threads};
use rustix::process::Resource;
use support::{Gauge, in_a_child, lower};

#[test]
fn the_ceiling_holds_over_all_calls_together() {
    in_a_child("the_ceiling_holds_over_all_calls_together", || {
        // Far above what the user runs already, so that it is the ceiling that binds, and not the system.
        lower(Resource::Nproc, 2_000);
        assert!(
            effective_threads::max_live_threads() <= 1_000,
            "{}",
            effective_threads::max_live_threads()
        );
        const PATIENCE: Duration = Duration::from_secs(10);
        let (gauge, both) = (Gauge::default(), Barrier::new(2));
        let (ceiling, start) = (effective_threads::max_live_threads(), Instant::now());
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    both.wait();
                    let results = effective_threads::map(0..1_200, |_| {
                        gauge.during(|| {
                            // However slowly they start: none ends before there are many.
                            while gauge.peak() < ceiling / 2 && start.elapsed() < PATIENCE {
                                thread::sleep(Duration::from_millis(20));
                            }
                            thread::sleep(Duration::from_millis(80));
                        });
                    });
                    assert!(results.iter().all(Result::is_ok));
                });
            }
        });
        assert!(
            (ceiling / 2..=ceiling).contains(&gauge.peak()),
            "{}",
            gauge.peak()
        );
    });
}

/// Far above what the user runs already, so that it is the ceiling that binds, and not the system.
fn with_a_low_ceiling(test: &str, body: impl FnOnce(usize)) {
    in_a_child(test, || {
        lower(Resource::Nproc, 2_000);
        let ceiling = effective_threads::max_live_threads();
        assert!(ceiling <= 1_000, "{ceiling}");
        body(ceiling);
    });
}

/// Run `body` while another call holds all threads; it is told how to let that call end.
fn with_all_threads_taken(ceiling: usize, body: impl FnOnce(&Stop) + Send) {
    let (release, started) = (Stop::new(), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let held = effective_threads::map(0..ceiling, |_| {
                started.fetch_add(1, Ordering::SeqCst);
                release.wait_timeout(Duration::from_secs(20))
            });
            assert!(held.into_iter().all(|released| released.unwrap()));
        });
        while started.load(Ordering::SeqCst) < ceiling {
            thread::sleep(Duration::from_millis(1));
        }
        body(&release);
        release.stop();
    });
}

#[test]
fn a_call_waits_for_another_that_holds_all_threads() {
    with_a_low_ceiling(
        "a_call_waits_for_another_that_holds_all_threads",
        |ceiling| {
            with_all_threads_taken(ceiling, |release| {
                thread::scope(|scope| {
                    let waiting = scope.spawn(|| effective_threads::map(0..3, |n| n));
                    // Much longer than what a refusal of the system is borne for.
                    thread::sleep(Duration::from_millis(400));
                    assert!(!waiting.is_finished());
                    release.stop();
                    let results = waiting.join().unwrap();
                    assert!(matches!(results[..], [Ok(0), Ok(1), Ok(2)]), "{results:?}");
                });
            });
        },
    );
}

#[test]
fn a_wait_for_a_thread_ends_at_the_deadline_and_by_a_stop() {
    with_a_low_ceiling(
        "a_wait_for_a_thread_ends_at_the_deadline_and_by_a_stop",
        |ceiling| {
            with_all_threads_taken(ceiling, |_| {
                let late = Threads::new()
                    .deadline(Duration::from_millis(50))
                    .map([1], |n| n);
                assert!(matches!(late[..], [Err(TaskError::NotStarted)]), "{late:?}");
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
        },
    );
}

#[test]
fn fault_5_nested_calls_that_hold_all_threads_are_refused_and_never_hang() {
    let name = "fault_5_nested_calls_that_hold_all_threads_are_refused_and_never_hang";
    with_a_low_ceiling(name, |ceiling| {
        let all = Barrier::new(ceiling);
        let (refused, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let outer = effective_threads::map(0..ceiling, |n| {
            // Each has a thread and wants another one: nobody can have it.
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
        // The first who is sent away ends and makes room for another: few are.
        assert!(
            refused >= 1 && refused + done == ceiling,
            "{refused} + {done}"
        );
    });
}

#[test]
fn a_nested_call_waits_as_long_as_any_other_thread_may_end() {
    let name = "a_nested_call_waits_as_long_as_any_other_thread_may_end";
    with_a_low_ceiling(name, |ceiling| {
        let (all, free) = (Barrier::new(ceiling), AtomicBool::new(false));
        let outer = effective_threads::map(0..ceiling, |n| {
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
