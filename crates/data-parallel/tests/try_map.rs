//! What `try_map` promises: all results, or the failure, and nothing started after it.

use std::mem;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use effective_data_parallel::{DataParallel, TryMapError};

fn pool(workers: usize) -> DataParallel {
    DataParallel::new()
        .workers(workers)
        .expect("the pool starts")
}

#[test]
fn when_nothing_fails_all_results_are_there_in_order() {
    let inputs: Vec<u64> = (0..100_000).collect();
    let results = pool(2)
        .try_map(&inputs, |n| Ok::<_, String>(n + 1))
        .unwrap();
    assert_eq!(results, (1..=100_000).collect::<Vec<_>>());
    assert_eq!(pool(2).try_map(&[0; 0], |n| Err::<u8, _>(*n)).unwrap(), []);
}

#[test]
fn the_only_failure_is_returned_with_its_index() {
    let inputs: Vec<u64> = (0..1_000).collect();
    let error = pool(2)
        .try_map(&inputs, |&n| if n == 700 { Err("odd") } else { Ok(n) })
        .unwrap_err();
    assert!(matches!(
        error,
        TryMapError::Failed {
            index: 700,
            error: "odd"
        }
    ));
    assert_eq!(error.to_string(), "item 700: odd");
}

#[test]
fn fault_1_a_panic_is_a_failure_as_well() {
    let error = pool(2).try_map(&[1, 2, 3], |&n| {
        if n == 2 {
            panic!("no {n}")
        } else {
            Ok::<_, String>(n)
        }
    });
    let Err(TryMapError::Panicked { index: 1, panic }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(panic.message(), "no 2");
}

#[test]
fn nothing_starts_after_a_failure() {
    let started = AtomicUsize::new(0);
    let outcome = pool(1)
        .grain(1)
        .unwrap()
        .try_map(&[(); 1_000], |()| -> Result<(), ()> {
            started.fetch_add(1, Ordering::SeqCst);
            Err(())
        });
    assert!(outcome.is_err());
    assert_eq!(started.into_inner(), 1);
}

#[test]
fn of_several_failures_seen_the_lowest_index_is_returned() {
    // All four are under way before one of them fails.
    let all = Barrier::new(4);
    let outcome = pool(4)
        .grain(1)
        .unwrap()
        .try_map(&[0, 1, 2, 3], |&n| -> Result<(), usize> {
            all.wait();
            if n == 0 { Ok(()) } else { Err(n) }
        });
    assert!(
        matches!(outcome, Err(TryMapError::Failed { index: 1, error: 1 })),
        "{outcome:?}"
    );
}

#[test]
fn a_flag_stops_it_from_outside() {
    let stop = AtomicBool::new(false);
    let inputs: Vec<usize> = (0..100_000).collect();
    let outcome = pool(2).try_map(&inputs, |&n| {
        if n == 10 {
            stop.store(true, Ordering::SeqCst);
        }
        if stop.load(Ordering::SeqCst) {
            Err("cancelled")
        } else {
            Ok(n)
        }
    });
    assert!(matches!(
        outcome,
        Err(TryMapError::Failed {
            error: "cancelled",
            ..
        })
    ));
}

#[test]
fn an_error_that_panics_when_dropped_is_contained() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    // All four fail, so three of the errors are dropped by the call.
    let all = Barrier::new(4);
    let outcome = pool(4)
        .grain(1)
        .unwrap()
        .try_map(&[0, 1, 2, 3], |_| -> Result<(), Bomb> {
            all.wait();
            Err(Bomb)
        });
    match outcome {
        Err(TryMapError::Failed { index: 0, error }) => mem::forget(error),
        _ => panic!("the first item fails"),
    }
}

#[test]
fn results_that_panic_when_dropped_after_a_failure_are_contained() {
    struct Bomb<'a>(&'a AtomicUsize);
    impl Drop for Bomb<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
            panic!("dropped");
        }
    }
    let drops = AtomicUsize::new(0);
    // All are under way before one fails, so there are three results to drop.
    let all = Barrier::new(4);
    let outcome = pool(4).grain(1).unwrap().try_map(&[0, 1, 2, 3], |&n| {
        all.wait();
        if n == 3 { Err(n) } else { Ok(Bomb(&drops)) }
    });
    let error = outcome.map(mem::forget).unwrap_err();
    assert!(matches!(error, TryMapError::Failed { index: 3, error: 3 }));
    assert_eq!(drops.into_inner(), 3);
}
