//! `map`: order, panics, borrowing, the grain, and nested calls.

mod support {
    pub(crate) mod bomb;
    pub(crate) mod pool;
}

use std::collections::HashSet;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use effective_data_parallel::{BuildError, DataParallel, MAX_WORKERS, TaskError, TaskPanic};
use support::bomb::Bomb;
use support::pool::{count, pool};

fn values<R>(results: Vec<Result<R, TaskPanic>>) -> Vec<R> {
    results
        .into_iter()
        .map(|result| result.expect("the item succeeds"))
        .collect()
}

#[test]
fn map_keeps_order_for_any_pool_and_grain() {
    let inputs: Vec<u64> = (0..100_000).collect();
    let expected: Vec<u64> = inputs.iter().map(|n| n * 3).collect();
    assert_eq!(
        values(effective_data_parallel::map(&inputs, |n| n * 3)),
        expected
    );
    let own = pool(3);
    assert_eq!(values(own.map(&inputs, |n| n * 3)), expected);
    for grain in [1, 7, 1_000, 1_000_000] {
        assert_eq!(
            values(own.clone().grain(count(grain)).map(&inputs, |n| n * 3)),
            expected
        );
    }
}

#[test]
fn map_takes_no_item_and_one_item() {
    assert!(effective_data_parallel::map(&[0_u8; 0], |n| *n).is_empty());
    assert_eq!(values(pool(2).map(&[7], |n| n + 1)), [8]);
}

#[test]
fn map_borrows_from_the_caller() {
    let words = vec![String::from("alpha"), String::from("beta")];
    let length = words[0].len() - 4;
    assert_eq!(
        values(pool(2).map(&words, |word| &word[..length])),
        ["a", "b"]
    );
}

#[test]
fn fault_1_panic_fails_only_its_own_item() {
    let inputs: Vec<usize> = (0..1_000).collect();
    for parallel in [DataParallel::new(), pool(2)] {
        let results = parallel.map(
            &inputs,
            |&n| if n % 250 == 4 { panic!("no {n}") } else { n },
        );
        for (n, result) in results.into_iter().enumerate() {
            match result {
                Ok(value) => assert_eq!(value, n),
                Err(panic) => assert_eq!((n % 250, panic.message()), (4, &*format!("no {n}"))),
            }
        }
    }
}

#[test]
fn fault_2_payload_that_panics_when_dropped_is_contained() {
    let own = pool(2);
    let results = own.map(&[0, 1, 2, 3], |&n| {
        if n % 2 == 0 {
            panic::panic_any(Bomb)
        } else {
            n
        }
    });
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 2);
    drop(results);
    assert_eq!(values(own.map(&[1], |n| *n)), [1]);
}

#[test]
fn map_runs_at_most_one_item_per_worker() {
    let (now, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let inputs = [(); 100];
    pool(3).grain(count(1)).map(&inputs, |()| {
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_micros(200));
        now.fetch_sub(1, Ordering::SeqCst);
    });
    assert!((1..=3).contains(&peak.into_inner()));
}

#[test]
fn grain_of_1_uses_every_worker() {
    let all = Barrier::new(4);
    let ids = values(pool(4).grain(count(1)).map(&[(); 4], |()| {
        all.wait();
        thread::current().id()
    }));
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 4);
}

#[test]
fn grain_of_1_keeps_no_item_behind_another() {
    // The first item waits for its neighbour, which would never start if both were in one piece.
    let (sender, receiver) = mpsc::channel();
    let receiver = Mutex::new(receiver);
    let inputs: Vec<usize> = (0..64).collect();
    let met = values(pool(2).grain(count(1)).map(&inputs, |n| {
        match n {
            0 => receiver
                .lock()
                .unwrap()
                .recv_timeout(Duration::from_secs(10))
                .is_ok(),
            1 => sender.send(()).is_ok(),
            _ => true,
        }
    }));
    assert!(met[0]);
}

#[test]
fn grain_of_all_items_runs_them_on_one_worker() {
    let inputs: Vec<usize> = (0..100).collect();
    let started = AtomicUsize::new(0);
    let runs = values(pool(4).grain(count(100)).map(&inputs, |_| {
        // Slow enough that idle workers would take a share if the items were split.
        thread::sleep(Duration::from_micros(200));
        (
            started.fetch_add(1, Ordering::SeqCst),
            thread::current().id(),
        )
    }));
    assert!(
        runs.iter()
            .enumerate()
            .all(|(n, run)| *run == (n, runs[0].1))
    );
}

#[test]
fn map_nests_in_one_pool_and_across_pools() {
    let inputs: Vec<u64> = (0..50).collect();
    let expected: Vec<u64> = inputs.iter().map(|n| n * 1_225).collect();
    for (outer, inner) in [
        (DataParallel::new(), DataParallel::new()),
        (pool(1), DataParallel::new()),
        (pool(2), pool(1)),
        (DataParallel::new(), pool(2)),
    ] {
        let sums = outer.map(&inputs, |n| {
            values(inner.map(&inputs, |m| n * m)).iter().sum::<u64>()
        });
        assert_eq!(values(sums), expected);
        let sums = outer.map(&inputs, |n| {
            values(outer.map(&inputs, |m| n * m)).iter().sum::<u64>()
        });
        assert_eq!(values(sums), expected);
    }
}

#[test]
fn nested_call_without_a_pool_uses_that_of_the_caller() {
    let counts = pool(3).map(&[(); 3], |()| DataParallel::new().worker_count());
    assert_eq!(values(counts), [3, 3, 3]);
}

#[test]
fn map_within_starts_no_item_after_its_time() {
    let inputs: Vec<usize> = (0..1_000).collect();
    let own = pool(2).grain(count(1));
    let none = own.map_within(Duration::ZERO, &inputs, |n| *n);
    assert!(
        none.iter()
            .all(|result| matches!(result, Err(TaskError::TimedOut)))
    );

    let all = own.map_within(Duration::MAX, &inputs, |n| *n);
    assert!(
        all.iter()
            .zip(&inputs)
            .all(|(result, n)| matches!(result, Ok(value) if value == n))
    );

    let started = AtomicUsize::new(0);
    let some = own.map_within(Duration::from_millis(50), &inputs, |_| {
        started.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(100));
    });
    // Only items that started have a result.
    assert!(started.load(Ordering::SeqCst) <= 2);
    assert_eq!(
        some.iter().filter(|result| result.is_ok()).count(),
        started.into_inner()
    );
    assert_eq!(some.len(), inputs.len());
}

#[test]
fn map_within_distinguishes_panic_from_timeout() {
    let results = pool(1).map_within(Duration::MAX, &[0], |_| panic!("gone"));
    assert!(matches!(&results[..], [Err(TaskError::Panicked(panic))] if panic.message() == "gone"));
}

#[test]
fn pool_has_as_many_workers_as_asked_for() {
    assert!(matches!(
        DataParallel::new().workers(count(MAX_WORKERS + 1)),
        Err(BuildError::TooManyWorkers(_))
    ));
    assert_eq!(pool(5).worker_count(), 5);
    assert_eq!(
        DataParallel::new()
            .worker_per_core()
            .unwrap()
            .worker_count(),
        num_cpus::get()
    );
}
