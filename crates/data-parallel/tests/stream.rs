//! `stream`: order, the look-ahead, panics, timeouts, and dropping it early.

mod support {
    pub(crate) mod bomb;
    pub(crate) mod in_time;
    pub(crate) mod pool;
}

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use effective_data_parallel::{DataParallel, Progress, TaskPanic, TimedOut};
use support::bomb::Bomb;
use support::in_time::{PATIENCE, in_time};
use support::pool::{count, pool};

fn values<R>(results: impl Iterator<Item = Result<R, TaskPanic>>) -> Vec<R> {
    results.map(|result| result.expect("no panic")).collect()
}

#[test]
fn stream_keeps_order_for_any_pool_grain_and_look_ahead() {
    in_time(|| {
        for (workers, grain, ahead) in [
            (1, 1, 1),
            (2, 1, 8),
            (3, 7, 20),
            (2, 5_000, 1),
            (2, 64, 1_000),
        ] {
            let parallel = pool(workers).grain(count(grain)).look_ahead(count(ahead));
            let results = parallel.stream(0..2_000_u64, |n| n * 3);
            assert_eq!(results.size_hint(), (2_000, Some(2_000)));
            assert_eq!(
                values(results),
                (0..2_000).map(|n| n * 3).collect::<Vec<_>>()
            );
        }
        let global = DataParallel::new().stream(vec![1, 2], |n| n + 1);
        assert_eq!(values(global), [2, 3]);
        assert!(pool(1).stream(Vec::<u8>::new(), |n| n).next().is_none());
    });
}

#[test]
fn stream_pulls_inputs_lazily_up_to_its_look_ahead() {
    in_time(|| {
        let taken = AtomicUsize::new(0);
        let inputs = (0..).inspect(|_| _ = taken.fetch_add(1, Ordering::SeqCst));
        let mut results = pool(2).look_ahead(count(5)).stream(inputs, |n: u64| n);
        assert_eq!(taken.load(Ordering::SeqCst), 0);
        for n in 0..100 {
            assert_eq!(results.next().unwrap().unwrap(), n);
            let ahead = taken.load(Ordering::SeqCst) - usize::try_from(n).unwrap() - 1;
            assert!(ahead <= 5, "{ahead}");
        }
    });
}

#[test]
fn fault_1_panic_fails_only_its_own_item() {
    in_time(|| {
        for grain in [1, 10] {
            let parallel = pool(2).grain(count(grain));
            let results =
                parallel.stream(0..100, |n| if n % 7 == 3 { panic!("no {n}") } else { n });
            for (n, result) in results.enumerate() {
                match result {
                    Ok(value) => assert_eq!(value, n),
                    Err(panic) => assert_eq!((n % 7, panic.message()), (3, &*format!("no {n}"))),
                }
            }
        }
    });
}

#[test]
fn fault_5_stream_in_its_own_full_pool_makes_progress() {
    in_time(|| {
        for workers in [1, 2] {
            let parallel = pool(workers);
            let inner = parallel.clone();
            let sums = parallel.map(&[10_u64, 20, 30], move |&n| {
                values(inner.stream(0..n, |m| m + 1)).iter().sum::<u64>()
            });
            let sums: Vec<_> = sums.into_iter().map(Result::unwrap).collect();
            assert_eq!(sums, [55, 210, 465]);
        }
    });
}

#[test]
fn fault_5_stream_in_a_stream_makes_progress() {
    in_time(|| {
        let outer = pool(1);
        let inner = outer.clone();
        let sums = outer.stream(1..=20_u64, move |n| {
            values(inner.stream(0..n, |m| m)).iter().sum::<u64>()
        });
        assert_eq!(
            values(sums),
            (1..=20).map(|n| n * (n - 1) / 2).collect::<Vec<_>>()
        );
    });
}

type Shared = Arc<Mutex<Option<Box<dyn Iterator<Item = Result<bool, TaskPanic>> + Send>>>>;

#[test]
fn fault_5_item_that_asks_for_its_own_result_panics() {
    in_time(|| {
        let shared = Shared::default();
        let (own, (go, gone)) = (Arc::clone(&shared), mpsc::channel());
        let gone = Mutex::new(gone);
        let (asks, asked) = mpsc::channel();
        let results = pool(1).look_ahead(count(2)).stream(0..2, move |n| {
            if n == 0 {
                return true;
            }
            // Until the test has released the stream.
            gone.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            let mut stream = own.lock().unwrap();
            asks.send(()).unwrap();
            let outcome = panic::catch_unwind(AssertUnwindSafe(|| stream.as_mut().unwrap().next()));
            outcome.is_err()
        });
        *shared.lock().unwrap() = Some(Box::new(results));
        let next = || shared.lock().unwrap().as_mut().unwrap().next();
        assert!(next().unwrap().unwrap());
        go.send(()).unwrap();
        // The item holds the stream, and releases it after its panic.
        asked.recv_timeout(PATIENCE).unwrap();
        assert!(next().unwrap().unwrap());
        shared.lock().unwrap().take();
    });
}

#[test]
fn fault_6_stream_dropped_on_a_worker_does_not_hang() {
    in_time(|| {
        let parallel = pool(1);
        let mut results = parallel.stream(0.., |n: u64| n);
        assert_eq!(results.next().unwrap().unwrap(), 0);
        let results = Mutex::new(Some(results));
        let dropped = parallel.map(&[()], |()| drop(results.lock().unwrap().take()));
        assert!(dropped.iter().all(Result::is_ok));
    });
}

#[test]
fn fault_8_next_timeout_loses_no_result() {
    in_time(|| {
        let (go, gone) = mpsc::channel();
        let gone = Mutex::new(gone);
        let mut results = pool(2).stream(0..3, move |n| {
            if n == 0 {
                gone.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            }
            n
        });
        for _ in 0..3 {
            assert_eq!(
                results.next_timeout(Duration::from_millis(5)).unwrap_err(),
                TimedOut
            );
        }
        go.send(()).unwrap();
        assert!(matches!(results.next_timeout(PATIENCE), Ok(Some(Ok(0)))));
        assert!(matches!(
            results.next_timeout(Duration::MAX),
            Ok(Some(Ok(1)))
        ));
        assert!(matches!(results.next(), Some(Ok(2))));
        assert!(matches!(results.next_timeout(Duration::ZERO), Ok(None)));
    });
}

#[test]
fn fault_10_slow_consumer_blocks_no_worker() {
    in_time(|| {
        let (started, parallel) = (Arc::new(AtomicUsize::new(0)), pool(1).look_ahead(count(3)));
        let count = Arc::clone(&started);
        let mut results = parallel.stream(0.., move |n: u64| {
            count.fetch_add(1, Ordering::SeqCst);
            n
        });
        results.next();
        while started.load(Ordering::SeqCst) < 3 {
            thread::yield_now();
        }
        // The only worker is free for other calls while the consumer is slow.
        assert!(parallel.map(&[1, 2], |n| n + 1).iter().all(Result::is_ok));
        assert!(started.load(Ordering::SeqCst) <= 4);
    });
}

#[test]
fn fault_11_stream_dropped_early_cancels_and_waits() {
    in_time(|| {
        let (started, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let both = (Arc::clone(&started), Arc::clone(&ended));
        let function = Arc::new(());
        let (of_f, parallel) = (Arc::clone(&function), pool(2).look_ahead(count(50)));
        let mut results = parallel.stream(0..1_000, move |n| {
            let _of_f = &of_f;
            both.0.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(if n == 0 { 0 } else { 20 }));
            both.1.fetch_add(1, Ordering::SeqCst);
            n
        });
        assert_eq!(results.next().unwrap().unwrap(), 0);
        drop(results);
        let at_once = started.load(Ordering::SeqCst);
        assert_eq!(ended.load(Ordering::SeqCst), at_once);
        assert!(at_once < 50, "{at_once}");
        // The function is dropped with the stream, although empty jobs are left in the queue.
        assert_eq!(Arc::strong_count(&function), 1);
        assert!(parallel.map(&[(); 4], |()| ()).iter().all(Result::is_ok));
        assert_eq!(started.load(Ordering::SeqCst), at_once);
    });
}

#[test]
fn fault_2_result_that_panics_when_dropped_is_contained() {
    in_time(|| {
        let parallel = pool(2).grain(count(2));
        let (go, gone) = mpsc::channel();
        let gone = Mutex::new(gone);
        let mut results = parallel.stream([(); 2], move |()| {
            gone.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            Bomb
        });
        assert_eq!(results.next_timeout(Duration::ZERO).unwrap_err(), TimedOut);
        go.send(()).unwrap();
        go.send(()).unwrap();
        drop(results);
        assert!(parallel.map(&[1], |n| n + 1).iter().all(Result::is_ok));
    });
}

#[test]
fn panicking_iterator_loses_no_input_taken_before() {
    in_time(|| {
        let armed = AtomicBool::new(true);
        let inputs = (0..10).inspect(|&n| {
            assert!(n != 5 || !armed.swap(false, Ordering::SeqCst), "once");
        });
        let parallel = pool(2).grain(count(4)).look_ahead(count(8));
        let mut results = parallel.stream(inputs, |n: u64| n);
        let first = panic::catch_unwind(AssertUnwindSafe(|| results.next()));
        assert!(first.is_err());
        // The iterator had already taken 5 when it panicked.
        assert_eq!(values(results), [0, 1, 2, 3, 4, 6, 7, 8, 9]);
    });
}

#[test]
fn progress_counts_items_of_a_stream() {
    in_time(|| {
        let progress = Progress::new();
        let parallel = pool(2).progress(&progress).grain(count(10));
        assert_eq!(values(parallel.stream(0..95, |n| n)).len(), 95);
        assert_eq!((progress.done(), progress.total()), (95, 95));
    });
}
