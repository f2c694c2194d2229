//! `try_map`: all results, or the failure, and no item started after it.

mod support {
    pub(crate) mod bomb;
    pub(crate) mod pool;
}

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use effective_data_parallel::TryMapError;
use support::bomb::Bomb;
use support::pool::{count, pool};

#[test]
fn try_map_returns_all_results_in_order() {
    let inputs: Vec<u64> = (0..100_000).collect();
    let results = pool(2)
        .try_map(&inputs, |n| Ok::<_, String>(n + 1))
        .unwrap();
    assert_eq!(results, (1..=100_000).collect::<Vec<_>>());
    assert_eq!(pool(2).try_map(&[0; 0], |n| Err::<u8, _>(*n)).unwrap(), []);
}

#[test]
fn try_map_returns_a_failure_with_its_index() {
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
fn fault_1_try_map_returns_a_panic_as_failure() {
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
fn try_map_starts_no_item_after_a_failure() {
    let started = AtomicUsize::new(0);
    let outcome = pool(1)
        .grain(count(1))
        .try_map(&[(); 1_000], |()| -> Result<(), ()> {
            started.fetch_add(1, Ordering::SeqCst);
            Err(())
        });
    assert!(outcome.is_err());
    assert_eq!(started.into_inner(), 1);
}

#[test]
fn try_map_returns_the_observed_failure_of_lowest_index() {
    // All four have started before one of them fails.
    let all = Barrier::new(4);
    let outcome = pool(4)
        .grain(count(1))
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
fn try_map_can_be_stopped_by_a_flag() {
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
fn try_map_contains_results_that_panic_when_dropped() {
    // All have started before one fails, so there are two results to drop.
    let all = Barrier::new(3);
    let outcome = pool(3).grain(count(1)).try_map(&[0, 1, 2], |&n| {
        all.wait();
        if n == 2 { Err(n) } else { Ok(Bomb) }
    });
    let error = outcome.map(std::mem::forget).unwrap_err();
    assert!(matches!(error, TryMapError::Failed { index: 2, error: 2 }));
}
