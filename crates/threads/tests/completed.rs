//! Results as they end.

use std::num::NonZeroUsize;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use effective_threads::{Stop, TaskError, Threads};

#[test]
fn each_result_comes_once_with_its_index_on_the_calling_thread() {
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
fn what_ends_first_comes_first() {
    let (release, mut order) = (Stop::new(), Vec::new());
    Threads::new().for_each_completed(
        [true, false],
        |waits| {
            // Ends when the other result has been handed out, which is while this task runs.
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
fn fault_12_a_callback_that_panics_stops_the_call_and_leaves_no_thread_running() {
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
    // The permits have been given back as well.
    assert!(threads.map(0..50, |n| n).iter().all(Result::is_ok));
}

/// Panics when dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_callbacks_panic_survives_inputs_that_panic_in_drop() {
    for bombs in [1, 2, 5] {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            Threads::new().limit(NonZeroUsize::MIN).for_each_completed(
                (0..bombs).map(|_| Bomb),
                std::mem::forget,
                |_, _| panic!("enough"),
            );
        }));
        let payload = outcome.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"enough"), "{bombs}");
    }
}

#[test]
fn an_iterators_panic_survives_inputs_that_panic_in_drop() {
    let inputs = || (0..5).map(|n| if n < 3 { Bomb } else { panic!("source") });
    type Call<'a> = &'a dyn Fn();
    let calls: [Call<'_>; 3] = [
        &|| drop(Threads::new().map(inputs(), std::mem::forget)),
        &|| {
            let forget = |bomb| {
                std::mem::forget(bomb);
                Ok::<_, ()>(())
            };
            drop(Threads::new().try_map(inputs(), forget));
        },
        &|| Threads::new().for_each_completed(inputs(), std::mem::forget, |_, _| ()),
    ];
    for call in calls {
        let payload = panic::catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"source"));
    }
}
