//! The lazy map.

mod support;

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use effective_thread_pool::{JobError, ThreadPool, TimedOut};
use support::{Gate, Gauge, eventually, pool_of_depth, within_deadline};

fn at(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

#[test]
fn results_come_in_the_order_of_the_inputs() {
    within_deadline(|| {
        for workers in [1, 2, 5] {
            let pool = ThreadPool::new(workers).unwrap();
            for (chunk, ahead) in [(1, 1), (1, 100), (7, 3), (7, 64), (1_000, 5_000)] {
                let mapping = pool.mapping().chunk_size(at(chunk)).look_ahead(at(ahead));
                let results = mapping.stream(0..2_000u64, |n| {
                    (0..n % 89).for_each(|_| std::hint::spin_loop());
                    n * 3
                });
                assert!(results.map(Result::unwrap).eq((0..2_000).map(|n| n * 3)));
            }
        }
    });
}

#[test]
fn inputs_are_pulled_lazily_within_the_look_ahead() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let pulled = AtomicUsize::new(0);
        let inputs = (0..).inspect(|_| {
            pulled.fetch_add(1, Ordering::SeqCst);
        });
        let mut results = pool.mapping().look_ahead(at(5)).stream(inputs, |n| n);
        assert_eq!(pulled.load(Ordering::SeqCst), 0);
        for taken in 0..100 {
            assert_eq!(results.next().unwrap().unwrap(), taken);
            let ahead = pulled.load(Ordering::SeqCst) - (taken + 1);
            assert!(ahead < 5 && (taken > 0 || ahead == 4), "{ahead}");
        }
    });
}

#[test]
fn slow_consumer_never_exceeds_the_look_ahead() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let alive = Arc::new(());
        let inputs = (0..300).map(|_| Arc::clone(&alive));
        let mut results = pool
            .mapping()
            .look_ahead(at(10))
            .stream(inputs, |held| held);
        for result in results.by_ref() {
            drop(result.unwrap());
            thread::sleep(Duration::from_micros(50));
            assert!(Arc::strong_count(&alive) <= 1 + 10);
        }
        drop(results);
        eventually(|| Arc::strong_count(&alive) == 1);
    });
}

#[test]
fn inputs_that_need_each_other_all_get_a_worker() {
    within_deadline(|| {
        let pool = ThreadPool::new(3).unwrap();
        for round in 0..2_000 {
            let meet = Arc::new(Barrier::new(3));
            let results = pool
                .mapping()
                .stream(0..3, move |_| meet.wait().is_leader());
            let leaders = results.flatten().filter(|&leads| leads).count();
            assert_eq!(leaders, 1);
            (0..round % 512).for_each(|_| std::hint::spin_loop());
        }
    });
}

#[test]
fn calls_at_once_never_exceed_the_limit_even_on_a_worker() {
    within_deadline(|| {
        let pool = Arc::new(ThreadPool::new(4).unwrap());
        let run = |pool: &ThreadPool| {
            let gauge = Arc::new(Gauge::default());
            let calls = Arc::clone(&gauge);
            let results = pool.mapping().limit(at(2)).stream(0..60, move |_| {
                calls.during(|| thread::sleep(Duration::from_micros(300)));
            });
            assert_eq!(results.flatten().count(), 60);
            gauge.peak()
        };
        assert_eq!(run(&pool), 2);
        let inner = Arc::clone(&pool);
        let peak = pool.submit(move || run(&inner)).unwrap().wait().unwrap();
        assert!(peak <= 2, "{peak}");
    });
}

#[test]
fn panic_is_the_error_of_its_input() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let results = pool.mapping().chunk_size(at(3)).stream(0..100u32, |n| {
            assert!(n % 10 != 7, "input {n}");
            n
        });
        for (n, result) in (0..).zip(results) {
            match result {
                Ok(value) => assert_eq!(value, n),
                Err(JobError::Panicked(panic)) => assert_eq!(panic.message(), format!("input {n}")),
                Err(other) => panic!("{other}"),
            }
        }
    });
}

#[test]
fn consumer_continues_after_the_input_iterator_panicked() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let mut calls = 0;
        let inputs = std::iter::from_fn(|| {
            calls += 1;
            assert!(calls != 3, "no third");
            (calls < 6).then_some(calls)
        });
        let mut results = pool.mapping().look_ahead(at(1)).stream(inputs, |n| n);
        let mut seen = Vec::new();
        loop {
            match catch_unwind(AssertUnwindSafe(|| results.next())) {
                Ok(Some(result)) => seen.push(result.unwrap()),
                Ok(None) => break,
                Err(_) => seen.push(0),
            }
        }
        drop(results);
        assert_eq!(seen, [1, 2, 0, 4, 5]);
    });
}

#[test]
fn next_timeout_returns_in_time_and_loses_nothing() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let gate = Gate::new();
        let inside = gate.clone();
        let mut results = pool.mapping().stream([1, 2], move |n| {
            inside.pass();
            n
        });
        assert!(matches!(
            results.next_timeout(Duration::ZERO),
            Err(TimedOut)
        ));
        assert!(matches!(
            results.next_timeout(Duration::from_millis(5)),
            Err(TimedOut)
        ));
        gate.open();
        assert!(matches!(
            results.next_timeout(Duration::MAX),
            Ok(Some(Ok(1)))
        ));
        assert!(matches!(results.next(), Some(Ok(2))));
        assert!(matches!(results.next_timeout(Duration::ZERO), Ok(None)));
        assert!(results.next().is_none());
    });
}

#[test]
fn stream_on_a_full_worker_makes_progress() {
    within_deadline(|| {
        for workers in [1, 2] {
            let pool = Arc::new(ThreadPool::new(workers).unwrap());
            let all: Vec<_> = (0..workers)
                .map(|_| {
                    let inner = Arc::clone(&pool);
                    pool.submit(move || {
                        let results = inner.mapping().stream(0..10_000u64, |n| n);
                        results.map(Result::unwrap).sum::<u64>()
                    })
                    .unwrap()
                })
                .collect();
            for handle in all {
                assert_eq!(handle.wait().unwrap(), 49_995_000);
            }
        }
    });
}

#[test]
fn stream_on_a_full_worker_queues_no_entry_per_input() {
    within_deadline(|| {
        let pool = Arc::new(ThreadPool::new(1).unwrap());
        let inner = Arc::clone(&pool);
        let most = pool.submit(move || {
            let results = inner.mapping().stream(0..10_000u64, |n| n);
            results.map(|_| inner.queued()).max().unwrap()
        });
        assert!(most.unwrap().wait().unwrap() <= 4);
    });
}

#[test]
fn stream_nested_too_deep_yields_errors() {
    within_deadline(|| {
        let pool = pool_of_depth(0);
        let inner = Arc::clone(&pool);
        let errors = pool.submit(move || {
            let results = inner.mapping().stream(0..20, |n| n);
            results
                .filter(|result| matches!(result, Err(JobError::WouldDeadlock)))
                .count()
        });
        assert_eq!(errors.unwrap().wait().unwrap(), 20);
    });
}

#[test]
fn stream_on_a_closed_pool_ends_with_errors() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let mut results = pool.mapping().look_ahead(at(1)).stream(0.., |n| n);
        assert!(matches!(results.next(), Some(Ok(0))));
        pool.close();
        let rest: Vec<_> = results.collect();
        let (last, before) = rest.split_last().unwrap();
        assert!(matches!(last, Err(JobError::Cancelled)), "{last:?}");
        assert!(before.iter().all(Result::is_ok));
        assert!(pool.mapping().stream(0..0, |n: i32| n).next().is_none());
    });
}

#[test]
fn endless_stream_ends_when_its_pool_is_closed() {
    within_deadline(|| {
        for workers in [1, 2] {
            for look_ahead in [1, 64] {
                let pool = ThreadPool::new(workers).unwrap();
                let mapping = pool.mapping().look_ahead(at(look_ahead));
                let mut results = mapping.stream(0_u64.., |n| {
                    // Long enough that the helpers never run out of inputs.
                    thread::sleep(Duration::from_micros(100));
                    n
                });
                assert!(matches!(results.next(), Some(Ok(0))));
                pool.close();
                let rest: Vec<_> = results.collect();
                // Claimed inputs are processed, and ready results are yielded.
                assert!(rest.len() <= 2 * look_ahead + 2, "{}", rest.len());
                let is_ok: Vec<_> = rest.iter().map(Result::is_ok).collect();
                assert!(is_ok.is_sorted_by(|a, b| a >= b), "errors come last");
                assert!(matches!(rest.last(), Some(Err(JobError::Cancelled))));
            }
        }
    });
}

#[test]
fn stream_cut_short_by_close_yields_an_error() {
    const INPUTS: u64 = 50_000;
    within_deadline(|| {
        for round in 0..40_u64 {
            let pool = ThreadPool::new(2).unwrap();
            let results: Vec<_> = thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(Duration::from_micros(200 * (round % 10)));
                    pool.close();
                });
                pool.mapping().stream(0..INPUTS, |n| n).collect()
            });
            let good = results.iter().take_while(|result| result.is_ok()).count() as u64;
            assert!(results.iter().flatten().copied().eq(0..good));
            assert!(
                good == INPUTS || matches!(results.last(), Some(Err(JobError::Cancelled))),
                "round {round}: {good} results without an error"
            );
        }
    });
}

#[test]
fn stream_finished_before_close_yields_no_error() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let mut results = pool.mapping().look_ahead(at(3)).stream(0..3, |n| n);
        assert!(matches!(results.next(), Some(Ok(0))));
        // All three inputs have been pulled, but the end has not been seen. When this job ends,
        // they are done.
        pool.submit(|| ()).unwrap().wait().unwrap();
        pool.close();
        assert!(results.map(Result::unwrap).eq([1, 2]));
    });
}

/// Panics when dropped.
struct Bomb(Arc<AtomicUsize>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic_any(7u8);
    }
}

#[test]
fn panicking_destructors_do_not_break_a_stream() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let dropped = Arc::new(AtomicUsize::new(0));
        let (gate, _) = support::occupy(&pool);
        let bomb = Bomb(Arc::clone(&dropped));
        let inputs = (0..).map(|_| Bomb(Arc::clone(&dropped)));
        let mut results = pool
            .mapping()
            .look_ahead(at(8))
            .stream(inputs, move |input| {
                let _ = &bomb;
                input
            });
        // All inputs are pulled, none is started.
        assert!(matches!(
            results.next_timeout(Duration::from_millis(1)),
            Err(TimedOut)
        ));
        drop(results);
        gate.open();
        eventually(|| dropped.load(Ordering::SeqCst) == 9);

        // Drops the function and the results that were never taken.
        let bomb = Bomb(Arc::clone(&dropped));
        let inputs = (0..8).map(|_| Bomb(Arc::clone(&dropped)));
        let (sender, receiver) = mpsc::channel();
        let mut results = pool
            .mapping()
            .look_ahead(at(8))
            .stream(inputs, move |input| {
                let _ = &bomb;
                sender.send(()).unwrap();
                input
            });
        let first = results.next().unwrap().unwrap();
        std::mem::forget(first);
        receiver.iter().take(8).for_each(drop);
        drop(results);
        eventually(|| dropped.load(Ordering::SeqCst) == 9 + 8);

        // No helper was queued, so this thread drops the function.
        let bomb = Bomb(Arc::clone(&dropped));
        drop(pool.mapping().stream(0..0, move |_| {
            let _ = &bomb;
        }));
        assert_eq!(dropped.load(Ordering::SeqCst), 9 + 8 + 1);
        assert_eq!(pool.submit(|| 1).unwrap().wait().unwrap(), 1);
    });
}
