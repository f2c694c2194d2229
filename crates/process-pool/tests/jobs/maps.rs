//! Maps.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use effective_process_pool::{JobError, ProcessPool};

use crate::jobs::{Counted, ENCODED, count, double, linger, nap, program};
use crate::support::checks::{deadline, eventually};

#[test]
fn map_keeps_input_order_for_any_chunk_size() {
    let program = program();
    let _deadline = deadline(120);
    for workers in [1, 3] {
        let pool = ProcessPool::new(&program, workers).unwrap();
        for count in [0, 1, 2, 5, 1_000, 30_000] {
            let results = pool.map::<double>(0..count);
            let expected: Vec<u64> = (0..count).map(|number| 2 * number).collect();
            assert_eq!(
                results.into_iter().collect::<Result<Vec<_>, _>>().unwrap(),
                expected
            );
        }
        for chunk in [1, 7, 5_000] {
            let mapping = pool.mapping().chunk_size(NonZeroUsize::new(chunk).unwrap());
            let results = mapping.run::<double>((0..5_000).collect::<Vec<_>>());
            assert!(
                results
                    .into_iter()
                    .enumerate()
                    .all(|(place, result)| result.unwrap() == 2 * place as u64)
            );
        }
    }
}

#[test]
fn close_does_not_cut_running_map_short() {
    let program = program();
    let _deadline = deadline(60);
    let pool = ProcessPool::new(&program, 2).unwrap();
    let results = thread::scope(|scope| {
        let one_by_one = pool.mapping().chunk_size(NonZeroUsize::MIN);
        let map = scope.spawn(move || one_by_one.run::<nap>([5; 200]));
        thread::sleep(Duration::from_millis(100));
        pool.close();
        map.join().unwrap()
    });
    assert_eq!(results.len(), 200);
    assert!(results.into_iter().all(|result| result.unwrap() == 5));
    assert!(matches!(
        pool.map::<double>([1])[..],
        [Err(JobError::Cancelled)]
    ));
}

#[test]
fn map_encodes_inputs_few_chunks_ahead() {
    let program = program();
    let _deadline = deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    ENCODED.store(0, Ordering::Relaxed);
    let inputs: Vec<Counted> = (0..100).map(|_| Counted(20)).collect();
    let results = thread::scope(|scope| {
        let mapping = pool.mapping().chunk_size(NonZeroUsize::MIN);
        let inputs = &inputs;
        let map = scope.spawn(move || mapping.run::<linger>(inputs));
        eventually("it begins", || ENCODED.load(Ordering::Relaxed) > 0);
        thread::sleep(Duration::from_millis(10));
        let encoded = ENCODED.load(Ordering::Relaxed);
        assert!(encoded <= 60, "{encoded} inputs were encoded ahead");
        map.join().unwrap()
    });
    assert_eq!(results.len(), 100);
}

#[test]
fn pool_works_after_encoding_panics_in_map() {
    let program = program();
    let _deadline = deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let inputs: Vec<Counted> = (7_000..8_000).map(Counted).collect();
    let panicked = catch_unwind(AssertUnwindSafe(|| pool.map::<count>(&inputs)));
    assert!(panicked.is_err());
    assert_eq!(pool.submit::<double>(4).unwrap().wait().unwrap(), 8);
    // The inputs that were never sent do not keep the pool open.
    pool.shutdown();
}
