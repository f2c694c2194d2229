//! Stopping early: by a token, by the deadline, by the first failure.

use std::num::NonZeroUsize;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_threads::{Stop, TaskError, Threads, TryMapError};

/// Longer than any test may take.
const LONG: Duration = Duration::from_secs(60);

fn at_most(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("not zero")
}

#[test]
fn once_stopped_no_task_starts_and_what_runs_is_waited_for() {
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
fn tasks_see_the_stop_of_the_callers_token_and_the_call_ends_early() {
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
fn a_task_stops_its_own_call_and_not_the_callers_token() {
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
fn a_stop_reaches_calls_nested_in_tasks() {
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
fn tasks_see_the_deadline_of_the_call() {
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
            // On a machine that is busy enough.
            Err(error) => assert!(matches!(error, TaskError::NotStarted), "{error}"),
        }
    }
    let endless = effective_threads::Threads::new().map_with([()], |(), stop| stop.remaining());
    assert!(matches!(endless[..], [Ok(None)]));
}

#[test]
fn a_wait_that_nobody_stops_lasts_its_time() {
    let stop = Stop::new();
    let begin = Instant::now();
    assert!(!stop.wait_timeout(Duration::from_millis(20)));
    assert!(begin.elapsed() >= Duration::from_millis(20));
    stop.clone().stop();
    assert!(stop.is_stopped() && stop.wait_timeout(Duration::MAX));
}

#[test]
fn try_map_gives_all_results_or_the_failure() {
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
    assert_eq!(started.into_inner(), 4, "nothing starts after a failure");
}

#[test]
fn the_failure_that_came_first_is_returned_and_not_its_echo() {
    let running = Barrier::new(4);
    let failed = Threads::new().try_map_with(0..4, |n, stop| {
        running.wait();
        if n == 3 {
            return Err("the cause");
        }
        // They fail because the last one did, and have lower indices.
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
fn fault_1_a_panic_stops_a_try_map_with_its_index_and_message() {
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
fn without_a_failure_what_did_not_start_is_the_error() {
    let late = Threads::new()
        .deadline(Duration::ZERO)
        .try_map([1], Ok::<_, String>);
    assert!(
        matches!(
            late,
            Err(TryMapError::Task {
                index: 0,
                error: TaskError::NotStarted
            })
        ),
        "{late:?}"
    );
}

/// Panics when dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn fault_2_results_and_errors_that_panic_when_a_failed_try_map_drops_them_are_contained() {
    let running = Barrier::new(4);
    let failed = Threads::new().try_map(0..4, |n| {
        running.wait();
        match n {
            0 => Ok(Bomb),
            1 => Err(Some(Bomb)),
            2 => Err(None),
            _ => std::panic::panic_any(Bomb),
        }
    });
    // Whichever was first; the others have been dropped by now.
    let error = failed.map(std::mem::forget).unwrap_err();
    assert!((1..=3).contains(&error.index()));
    std::mem::forget(error);
}
