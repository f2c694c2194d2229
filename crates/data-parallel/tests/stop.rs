//! `Stop` and `Progress`: stopping early, and counting finished items.

mod support {
    pub(crate) mod pool;
}

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_data_parallel::{Progress, Stop, TaskError};
use support::pool::{count, pool};

#[test]
fn no_item_starts_after_a_stop() {
    let (stop, progress, started) = (Stop::new(), Progress::new(), AtomicUsize::new(0));
    let inputs: Vec<usize> = (0..10_000).collect();
    let results = pool(1).progress(&progress).map_until(&stop, &inputs, |&n| {
        started.fetch_add(1, Ordering::SeqCst);
        if n == 777 {
            stop.stop();
        }
        n
    });
    let done = started.into_inner();
    assert_eq!(results.len(), inputs.len());
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), done);
    // With one worker, the items that ran are those up to the one that stopped.
    for (n, result) in results.iter().enumerate() {
        match result {
            Ok(value) => assert!(*value == n),
            Err(error) => assert!(matches!(error, TaskError::Stopped), "{error}"),
        }
    }
    assert!(matches!(results[777], Ok(777)) && done < inputs.len());
    assert_eq!((progress.done(), progress.total()), (done, inputs.len()));
}

#[test]
fn fold_until_returns_the_reason_of_the_stop() {
    let inputs: Vec<u64> = (0..10_000).collect();
    let (stop, own) = (Stop::new(), pool(2));
    let stopped = own.fold_until(
        &stop,
        &inputs,
        || 0,
        |sum, n| {
            stop.stop();
            sum + n
        },
        |a, b| a + b,
    );
    assert!(matches!(stopped, Err(TaskError::Stopped)), "{stopped:?}");
    let sum = own.fold_until(&Stop::new(), &inputs, || 0, |sum, n| sum + n, |a, b| a + b);
    assert!(matches!(sum, Ok(49_995_000)), "{sum:?}");
    let late = own.fold_until(
        &Stop::within(Duration::ZERO),
        &inputs,
        || 0,
        |sum, n| sum + n,
        |a, b| a + b,
    );
    assert!(matches!(late, Err(TaskError::TimedOut)), "{late:?}");
}

#[test]
fn token_is_stopped_when_its_time_runs_out() {
    let stop = Stop::within(Duration::from_secs(100));
    assert!(!stop.is_stopped() && stop.remaining() > Some(Duration::from_secs(50)));
    stop.clone().stop();
    assert!(stop.is_stopped());
    assert!(Stop::within(Duration::ZERO).is_stopped());
    assert_eq!(Stop::within(Duration::MAX).remaining(), None);
}

#[test]
fn progress_counts_all_kinds_of_calls_and_panics() {
    let progress = Progress::new();
    let parallel = pool(2).progress(&progress);
    let inputs: Vec<u64> = (0..5_000).collect();
    parallel.map(&inputs, |&n| assert!(n % 100 != 0));
    assert_eq!((progress.done(), progress.total()), (5_000, 5_000));
    parallel
        .fold(&inputs, || 0, |a, b| a + b, |a, b| a + b)
        .unwrap();
    assert_eq!((progress.done(), progress.total()), (10_000, 10_000));
    parallel.try_map(&inputs, |n| Ok::<_, ()>(*n)).unwrap();
    assert_eq!((progress.done(), progress.total()), (15_000, 15_000));
    parallel.try_map(&inputs, |_| Err::<u8, _>(())).unwrap_err();
    assert!(progress.done() < 20_000 && progress.total() == 20_000);
}

#[test]
fn progress_counts_items_of_a_fold_that_panics() {
    // One piece per input, or a single piece whose blocks grow.
    for grain in [1, 10_000] {
        let progress = Progress::new();
        let parallel = pool(1).grain(count(grain)).progress(&progress);
        let inputs: Vec<usize> = (0..5_000).collect();
        let last = |_: (), n: &usize| assert_ne!(*n, 4_999, "the last");
        parallel
            .fold(&inputs, || (), last, |(), ()| ())
            .unwrap_err();
        assert_eq!((progress.done(), progress.total()), (5_000, 5_000));
        parallel
            .fold_until(&Stop::new(), &inputs, || (), last, |(), ()| ())
            .unwrap_err();
        assert_eq!((progress.done(), progress.total()), (10_000, 10_000));
    }
}

#[test]
fn progress_counts_slow_items_singly() {
    let (progress, half) = (Progress::new(), Barrier::new(2));
    let parallel = pool(1).progress(&progress);
    thread::scope(|scope| {
        let call = scope.spawn(|| {
            parallel.map(&[0, 1, 2, 3], |n| {
                if *n == 2 {
                    half.wait();
                    half.wait();
                }
            })
        });
        half.wait();
        // Two items have ended, the third has not.
        let patience = Instant::now() + Duration::from_secs(10);
        while progress.done() < 2 && Instant::now() < patience {
            thread::yield_now();
        }
        assert_eq!((progress.done(), progress.total()), (2, 4));
        half.wait();
        assert_eq!(call.join().unwrap().len(), 4);
    });
    assert_eq!(progress.done(), 4);
}
