//! Stopping early: by a token, at the deadline, after the first failure.

mod support {
    pub(crate) mod bomb;
}

use std::num::NonZeroUsize;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_threads::{Stop, TaskError, Threads, TryMapError};
use support::bomb::Bomb;

/// Longer than any test may take.
const LONG: Duration = Duration::from_secs(60);

fn at_most(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("not zero")
}

#[test]
fn no_task_starts_after_a_stop() {
    let stop = Stop::new();
    let results = Threads::new().limit(at_most(1)).stop(&stop).map(0..5, |n| {
        if n == 2 {
            stop.stop();
        }
        n
    });
    assert!(
        matches!(
            results[..],
            [
                Ok(0),
                Ok(1),
                Ok(2),
                Err(TaskError::Stopped),
                Err(TaskError::Stopped)
            ]
        ),
        "{results:?}"
    );
    let none = Threads::new().stop(&stop).map(0..3, |n| n);
    assert!(
        none.iter()
            .all(|result| matches!(result, Err(TaskError::Stopped)))
    );
}

#[test]
fn stop_of_the_callers_token_reaches_its_tasks() {
    let (stop, running) = (Stop::new(), Barrier::new(5));
    let begin = Instant::now();
    thread::scope(|scope| {
        let call = scope.spawn(|| {
            Threads::new().stop(&stop).map_with(0..4, |_, stop| {
                running.wait();
                stop.wait_timeout(LONG)
            })
        });
        running.wait();
        stop.stop();
        assert!(
            call.join()
                .unwrap()
                .into_iter()
                .all(|stopped| stopped.unwrap())
        );
    });
    assert!(begin.elapsed() < LONG);
}

#[test]
fn task_stops_its_own_call_only() {
    let stop = Stop::new();
    let results = Threads::new()
        .limit(at_most(1))
        .stop(&stop)
        .map_with(0..3, |n, own| {
            own.stop();
            n
        });
    assert!(
        matches!(
            results[..],
            [Ok(0), Err(TaskError::Stopped), Err(TaskError::Stopped)]
        ),
        "{results:?}"
    );
    assert!(!stop.is_stopped());
}

#[test]
fn stop_reaches_nested_calls() {
    let (stop, running) = (Stop::new(), Barrier::new(3));
    thread::scope(|scope| {
        let call = scope.spawn(|| {
            Threads::new().stop(&stop).map_with(0..2, |_, stop| {
                let inner = Threads::new().stop(stop).map_with([()], |(), stop| {
                    running.wait();
                    stop.wait_timeout(LONG)
                });
                matches!(inner[..], [Ok(true)])
            })
        });
        running.wait();
        stop.stop();
        assert!(
            call.join()
                .unwrap()
                .into_iter()
                .all(|reached| reached.unwrap())
        );
    });
}

#[test]
fn tasks_see_the_deadline_of_their_call() {
    let threads = Threads::new().deadline(Duration::from_millis(30));
    let results = threads.map_with(0..3, |_, stop| {
        assert!(
            stop.remaining()
                .is_some_and(|left| left <= Duration::from_millis(30))
        );
        let stopped = stop.wait_timeout(LONG);
        (stopped, stop.is_stopped(), stop.remaining())
    });
    for result in results {
        match result {
            Ok(seen) => assert_eq!(seen, (true, true, Some(Duration::ZERO))),
            // On a busy machine.
            Err(error) => assert!(matches!(error, TaskError::TimedOut), "{error}"),
        }
    }
    let endless = Threads::new().map_with([()], |(), stop| stop.remaining());
    assert!(matches!(endless[..], [Ok(None)]));
}

#[test]
fn wait_timeout_lasts_its_time_without_a_stop() {
    let stop = Stop::new();
    let begin = Instant::now();
    assert!(!stop.wait_timeout(Duration::from_millis(20)));
    assert!(begin.elapsed() >= Duration::from_millis(20));
    stop.clone().stop();
    assert!(stop.is_stopped() && stop.wait_timeout(Duration::MAX));
}

#[test]
fn try_map_returns_all_results_or_the_failure() {
    let all = Threads::new().try_map(0..20, Ok::<_, String>);
    assert_eq!(all.unwrap(), (0..20).collect::<Vec<_>>());

    let started = AtomicUsize::new(0);
    let failed = Threads::new().limit(at_most(1)).try_map(0..20, |n| {
        started.fetch_add(1, Ordering::SeqCst);
        if n == 3 { Err("odd") } else { Ok(n) }
    });
    assert!(
        matches!(
            failed,
            Err(TryMapError::Failed {
                index: 3,
                error: "odd"
            })
        ),
        "{failed:?}"
    );
    assert_eq!(started.into_inner(), 4, "no task starts after a failure");
}

#[test]
fn try_map_returns_the_failure_that_was_first() {
    let running = Barrier::new(4);
    let failed = Threads::new().try_map_with(0..4, |n, stop| {
        running.wait();
        if n == 3 {
            return Err("the cause");
        }
        // These fail because the last one did, and have lower indices.
        if stop.wait_timeout(LONG) {
            Err("cancelled")
        } else {
            Ok(n)
        }
    });
    assert!(
        matches!(
            failed,
            Err(TryMapError::Failed {
                index: 3,
                error: "the cause"
            })
        ),
        "{failed:?}"
    );
}

#[test]
fn fault_1_try_map_returns_a_panic_with_its_index() {
    let failed = Threads::new().limit(at_most(1)).try_map(0..9, |n| {
        assert_ne!(n, 5, "no five");
        Ok::<_, String>(n)
    });
    let Err(TryMapError::Task {
        index: 5,
        error: TaskError::Panicked(panic),
    }) = failed
    else {
        panic!("{failed:?}")
    };
    assert!(panic.message().contains("no five"));
}

#[test]
fn try_map_returns_a_task_that_did_not_start() {
    let late = Threads::new()
        .deadline(Duration::ZERO)
        .try_map([1], Ok::<_, String>);
    assert!(
        matches!(
            late,
            Err(TryMapError::Task {
                index: 0,
                error: TaskError::TimedOut
            })
        ),
        "{late:?}"
    );
}

#[test]
fn fault_2_failed_try_map_contains_a_panicking_destructor() {
    let running = Barrier::new(2);
    let failed = Threads::new().try_map(0..2, |n| {
        running.wait();
        if n == 0 { Ok(Bomb) } else { Err(n) }
    });
    let error = failed.map(std::mem::forget).unwrap_err();
    assert!(matches!(error, TryMapError::Failed { index: 1, error: 1 }));
}
