//! Models of the end of a map.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::check::check;
use crate::error::JobError;
use crate::map_state::{AnyMap, Helper, MapState, StopReason};
use crate::pool::ThreadPool;
use crate::shared::{Settings, Shared};
use crate::sleep::Sleep;
use crate::workers::{Size, Workers};

struct Input {
    number: usize,
    dropped: loom::sync::Arc<AtomicUsize>,
}

impl Drop for Input {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

type Map = Arc<MapState<Input, usize, fn(Input) -> usize>>;

fn map(inputs: usize, limit: usize) -> (Map, loom::sync::Arc<AtomicUsize>) {
    let dropped = loom::sync::Arc::new(AtomicUsize::new(0));
    let inputs = (0..inputs)
        .map(|number| Input {
            number,
            dropped: loom::sync::Arc::clone(&dropped),
        })
        .collect();
    // A map uses its pool only to check for a shutdown.
    let workers = Workers::new(
        Vec::new(),
        Size {
            min: 0,
            idle_timeout: Duration::ZERO,
            name_prefix: String::new(),
            stack_size: None,
        },
    );
    let settings = Settings {
        max_inline_depth: 0,
        backlog: None,
        initializer: None,
    };
    let pool = Arc::new(Shared::new(
        Box::default(),
        Sleep::new(0),
        workers,
        settings,
    ));
    let f: fn(Input) -> usize = |input| input.number + 10;
    let one = Some(NonZeroUsize::MIN);
    (
        Arc::new(MapState::new(inputs, f, limit, one, pool)),
        dropped,
    )
}

pub(super) fn waiter_gets_every_result_of_two_workers_in_order() {
    check(2, || {
        let (map, dropped) = map(2, 2);
        let first = Helper::new(&map);
        let second = Helper::new(&map);
        let worker = thread::spawn(move || first.take_part());
        second.take_part();
        let results = map.wait_until(None).unwrap();
        assert!(matches!(results[..], [Ok(10), Ok(11)]));
        // All inputs are dropped when the wait returns.
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
        drop(second);
        worker.join().unwrap();
    });
}

pub(super) fn stopped_map_has_a_result_or_an_error_per_input() {
    check(3, || {
        let (map, dropped) = map(2, 1);
        let helper = Helper::new(&map);
        let worker = thread::spawn(move || helper.take_part());
        let canceller = thread::spawn({
            let map = Arc::clone(&map);
            move || map.stop(StopReason::Cancelled)
        });
        let results = map.wait_until(None).unwrap();
        // All inputs are dropped by now, whichever thread did it.
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
        assert_eq!(results.len(), 2);
        let done = results.iter().take_while(|result| result.is_ok()).count();
        assert!(
            results[done..]
                .iter()
                .all(|result| matches!(result, Err(JobError::Cancelled)))
        );
        worker.join().unwrap();
        canceller.join().unwrap();
    });
}

pub(super) fn map_ends_when_all_helpers_are_dropped_unused() {
    check(3, || {
        let (map, dropped) = map(1, 1);
        let first = Helper::new(&map);
        let second = Helper::new(&map);
        let other = thread::spawn(move || drop(first));
        drop(second);
        let results = map.wait_until(None).unwrap();
        assert!(matches!(results[..], [Err(JobError::Cancelled)]));
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        other.join().unwrap();
    });
}

pub(super) fn stream_of_a_closed_pool_is_complete_or_has_an_error() {
    check(1, || {
        let pool = Arc::new(ThreadPool::new(1).unwrap());
        let closer = thread::spawn({
            let pool = Arc::clone(&pool);
            move || pool.close()
        });
        let one = NonZeroUsize::MIN;
        let results: Vec<_> = pool.mapping().look_ahead(one).stream(0..2, |n| n).collect();
        let good = results.iter().take_while(|result| result.is_ok()).count();
        match &results[good..] {
            [] => assert_eq!(good, 2),
            [Err(JobError::Cancelled)] => assert!(good < 2),
            other => panic!("{other:?}"),
        }
        closer.join().unwrap();
    });
}
