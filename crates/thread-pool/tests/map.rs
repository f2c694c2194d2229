//! `map`: order, limits, chunks and cancellation.

mod support;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use effective_thread_pool::ThreadPool;
use support::{Gate, Gauge, all_cancelled, eventually, occupy, within_deadline};

fn at(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

#[test]
fn results_come_in_the_order_of_the_inputs() {
    within_deadline(|| {
        for workers in [1, 2, 7] {
            let pool = ThreadPool::new(workers).unwrap();
            for len in [0, 1, 2, 3, 100, 1_000, 100_000] {
                let results = pool.map(0..len, |n| n + 1);
                assert!(
                    results.into_iter().map(Result::unwrap).eq(1..=len),
                    "{workers} workers, {len} inputs"
                );
            }
        }
    });
}

#[test]
fn results_come_in_order_with_every_chunk_size() {
    within_deadline(|| {
        let pool = ThreadPool::new(3).unwrap();
        for chunk in [1, 2, 7, 1_000, usize::MAX] {
            let results = pool.mapping().chunk_size(at(chunk)).run(0..1_000, |n| n);
            assert!(
                results.into_iter().map(Result::unwrap).eq(0..1_000),
                "chunks of {chunk}"
            );
        }
    });
}

#[test]
fn results_come_in_order_when_the_work_is_uneven() {
    within_deadline(|| {
        let pool = ThreadPool::new(4).unwrap();
        let results = pool.map(0..3_000u64, |n| {
            if n % 500 == 499 {
                std::thread::sleep(Duration::from_millis(5));
            }
            n
        });
        assert!(results.into_iter().map(Result::unwrap).eq(0..3_000));
    });
}

/// A function whose first calls end once `expected` of them run at once.
fn gauged(gauge: &Arc<Gauge>, expected: usize) -> impl Fn(usize) + Send + Sync + 'static {
    let gauge = Arc::clone(gauge);
    move |_| {
        gauge.during(|| {
            eventually(|| gauge.peak() >= expected);
            std::thread::sleep(Duration::from_millis(1));
        });
    }
}

#[test]
fn calls_at_once_never_exceed_the_limit() {
    within_deadline(|| {
        for (workers, limit, expected) in [(4, 2, 2), (4, 1, 1), (2, 9, 2)] {
            let pool = ThreadPool::new(workers).unwrap();
            let gauge = Arc::new(Gauge::default());
            let mapping = pool.mapping().limit(at(limit));
            mapping.run(0..60, gauged(&gauge, expected));
            assert_eq!(gauge.peak(), expected, "limit {limit} of {workers} workers");
        }
    });
}

#[test]
fn worker_that_takes_part_counts_against_the_limit() {
    within_deadline(|| {
        let pool = Arc::new(ThreadPool::new(4).unwrap());
        let inner = Arc::clone(&pool);
        let peak = pool.submit(move || {
            let gauge = Arc::new(Gauge::default());
            inner.mapping().limit(at(2)).run(0..40, gauged(&gauge, 2));
            gauge.peak()
        });
        assert_eq!(peak.unwrap().wait().unwrap(), 2);
    });
}

#[test]
fn worker_waiting_for_a_started_map_respects_its_limit() {
    within_deadline(|| {
        let pool = Arc::new(ThreadPool::new(4).unwrap());
        let inner = Arc::clone(&pool);
        let peak = pool.submit(move || {
            let gauge = Arc::new(Gauge::default());
            let mapping = inner.mapping().limit(at(2));
            let map = mapping.start(0..40, gauged(&gauge, 2));
            eventually(|| gauge.peak() == 2);
            map.wait();
            gauge.peak()
        });
        assert_eq!(peak.unwrap().wait().unwrap(), 2);
    });
}

#[test]
fn calling_thread_runs_no_calls() {
    let pool = ThreadPool::new(2).unwrap();
    let caller = std::thread::current().id();
    let ran_on = pool.map(0..100, |_| std::thread::current().id());
    assert!(ran_on.into_iter().all(|id| id.unwrap() != caller));
}

#[test]
fn long_inputs_are_claimed_one_by_one() {
    within_deadline(|| {
        // Each call waits for a call on the other worker. If one worker claimed two inputs more
        // than the other, its last call would wait without end.
        let pool = ThreadPool::new(2).unwrap();
        let meet = Arc::new(std::sync::Barrier::new(2));
        let results = pool.map(0..64, move |n| {
            std::thread::sleep(Duration::from_micros(300));
            meet.wait();
            n
        });
        assert!(results.into_iter().map(Result::unwrap).eq(0..64));
    });
}

#[test]
fn chunks_have_the_requested_size() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let runs = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&runs);
        pool.mapping().chunk_size(at(10)).run(0..100, move |n| {
            seen.lock().unwrap().push((n, std::thread::current().id()));
        });
        let mut runs = runs.lock().unwrap().clone();
        runs.sort_by_key(|&(n, _)| n);
        for chunk in runs.chunks(10) {
            assert!(chunk.iter().all(|(_, id)| *id == chunk[0].1));
        }
    });
}

#[test]
fn function_and_inputs_are_dropped_when_map_returns() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        for _ in 0..500 {
            let mine = Arc::new(());
            let in_f = Arc::clone(&mine);
            pool.map(
                (0..10).map(|_| Arc::clone(&mine)).collect::<Vec<_>>(),
                move |input| drop((input, in_f.clone())),
            );
            assert_eq!(Arc::strong_count(&mine), 1);
        }
    });
}

#[test]
fn busy_pool_finishes_a_map_with_its_free_workers() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let (gate, _) = occupy(&pool);
        assert_eq!(pool.map(0..1_000, |n| n).len(), 1_000);
        gate.open();
    });
}

#[test]
fn map_on_a_closed_pool_is_cancelled() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        pool.close();
        let results = pool.map(0..3, |n| n);
        assert_eq!(results.len(), 3);
        assert!(all_cancelled(&results));
    });
}

/// A map whose first call waits at a gate, with a count of the live inputs.
fn started(
    pool: &ThreadPool,
) -> (
    Gate,
    Arc<()>,
    Arc<AtomicUsize>,
    effective_thread_pool::MapHandle<usize>,
) {
    let gate = Gate::new();
    let (inside, alive, calls) = (gate.clone(), Arc::new(()), Arc::new(AtomicUsize::new(0)));
    let (started, has_started) = mpsc::channel();
    let inputs: Vec<_> = (0..100).map(|_| Arc::clone(&alive)).collect();
    let counted = Arc::clone(&calls);
    let map = pool
        .mapping()
        .limit(NonZeroUsize::MIN)
        .start(inputs, move |_input| {
            // Only the first message is received.
            let _ = started.send(());
            inside.pass();
            counted.fetch_add(1, Ordering::SeqCst)
        });
    has_started.recv().unwrap();
    (gate, alive, calls, map)
}

#[test]
fn cancelled_map_returns_finished_results() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let (gate, _alive, _calls, map) = started(&pool);
        map.cancel();
        assert!(!map.is_finished());
        gate.open();
        let results = map.wait();
        assert_eq!(results.len(), 100);
        assert!(matches!(results[0], Ok(0)));
        assert!(all_cancelled(&results[1..]));
    });
}

#[test]
fn map_dropped_before_it_started_drops_everything_at_once() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let mine = Arc::new(());
        let in_f = Arc::clone(&mine);
        let map = pool
            .mapping()
            .start(vec![Arc::clone(&mine); 10], move |input| {
                drop((input, in_f.clone()));
            });
        assert_eq!(Arc::strong_count(&mine), 12);
        drop(map);
        assert_eq!(Arc::strong_count(&mine), 1);
        gate.open();
    });
}

#[test]
fn timed_out_wait_for_a_map_can_be_repeated() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let (gate, _alive, _calls, map) = started(&pool);
        let map = map.wait_timeout(Duration::ZERO).unwrap_err();
        let map = map.wait_timeout(Duration::from_millis(5)).unwrap_err();
        gate.open();
        assert_eq!(map.wait_timeout(Duration::MAX).unwrap().len(), 100);
    });
}
