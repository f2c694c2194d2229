//! `for_each_completed`: results in the order in which the tasks end.

use std::num::NonZeroUsize;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use effective_threads::{Stop, TaskError, Threads};

#[test]
fn each_result_comes_once_on_the_calling_thread() {
    let caller = thread::current().id();
    for threads in [
        Threads::new(),
        Threads::new().limit(NonZeroUsize::MIN.saturating_add(2)),
    ] {
        let mut seen = vec![0; 100];
        threads.for_each_completed(
            0..100,
            |n| if n % 10 == 3 { panic!("no {n}") } else { n * 2 },
            |index, result| {
                assert_eq!(thread::current().id(), caller);
                seen[index] += 1;
                match result {
                    Ok(value) => assert_eq!(value, index * 2),
                    Err(TaskError::Panicked(_)) => assert_eq!(index % 10, 3),
                    Err(other) => panic!("{other}"),
                }
            },
        );
        assert_eq!(seen, [1; 100]);
    }
}

#[test]
fn results_come_in_the_order_of_the_ends() {
    let (release, mut order) = (Stop::new(), Vec::new());
    Threads::new().for_each_completed(
        [true, false],
        |waits| {
            // Ends once the other result has been passed on, while this task runs.
            !waits || release.wait_timeout(Duration::from_secs(30))
        },
        |index, result| {
            assert!(result.unwrap());
            order.push(index);
            release.stop();
        },
    );
    assert_eq!(order, [1, 0]);
}

#[test]
fn fault_12_callback_that_panics_leaves_no_thread() {
    let (running, started) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let threads = Threads::new().limit(NonZeroUsize::MIN.saturating_add(1));
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        threads.for_each_completed(
            0..50,
            |n| {
                running.fetch_add(1, Ordering::SeqCst);
                started.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(2));
                running.fetch_sub(1, Ordering::SeqCst);
                n
            },
            |_, result| panic!("enough: {result:?}"),
        );
    }));
    assert!(outcome.is_err());
    assert_eq!(running.into_inner(), 0);
    assert!((1..=3).contains(&started.into_inner()));
    // The permits have been released as well.
    assert!(threads.map(0..50, |n| n).iter().all(Result::is_ok));
}
