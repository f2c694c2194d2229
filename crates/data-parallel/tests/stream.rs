//! What a stream promises: order, a bound, no deadlock, nothing lost, nothing left.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use effective_data_parallel::{ConfigError, DataParallel, Progress, TaskPanic, TimedOut};

const LONG: Duration = Duration::from_secs(30);

fn pool(workers: usize) -> DataParallel {
    DataParallel::new()
        .workers(workers)
        .expect("the pool starts")
}

/// Run `body` on a thread of its own, which must end in time.
fn in_time(body: impl FnOnce() + Send + 'static) {
    let (sender, done) = mpsc::channel();
    let thread = thread::spawn(move || {
        body();
        sender.send(()).expect("the test waits");
    });
    match done.recv_timeout(LONG) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().expect("the body succeeds"),
    }
}

fn values<R>(results: impl Iterator<Item = Result<R, TaskPanic>>) -> Vec<R> {
    results.map(|result| result.expect("no panic")).collect()
}

#[test]
fn results_are_in_order_whatever_the_pool_the_grain_and_the_look_ahead() {
    in_time(|| {
        for (workers, grain, ahead) in [
            (1, 1, 1),
            (2, 1, 8),
            (3, 7, 20),
            (2, 5_000, 1),
            (2, 64, 1_000),
        ] {
            let parallel = pool(workers)
                .grain(grain)
                .unwrap()
                .look_ahead(ahead)
                .unwrap();
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
fn inputs_are_lazy_and_never_more_ahead_than_allowed() {
    in_time(|| {
        let taken = AtomicUsize::new(0);
        let inputs = (0..).inspect(|_| _ = taken.fetch_add(1, Ordering::SeqCst));
        let mut results = pool(2).look_ahead(5).unwrap().stream(inputs, |n: u64| n);
        assert_eq!(taken.load(Ordering::SeqCst), 0);
        for n in 0..100 {
            assert_eq!(results.next().unwrap().unwrap(), n);
            let ahead = taken.load(Ordering::SeqCst) - usize::try_from(n).unwrap() - 1;
            assert!(ahead <= 5, "{ahead}");
        }
    });
}

#[test]
fn fault_1_a_panic_is_that_items_error_and_harms_no_other() {
    in_time(|| {
        for grain in [1, 10] {
            let parallel = pool(2).grain(grain).unwrap();
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
fn fault_5_a_stream_within_its_own_full_pool_makes_progress() {
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
fn fault_5_a_stream_within_a_stream_makes_progress() {
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
fn fault_5_an_item_that_asks_for_its_own_result_panics_and_does_not_hang() {
    in_time(|| {
        let shared = Shared::default();
        let (own, (go, gone)) = (Arc::clone(&shared), mpsc::channel());
        let gone = Mutex::new(gone);
        let (asks, asked) = mpsc::channel();
        let results = pool(1).look_ahead(2).unwrap().stream(0..2, move |n| {
            if n == 0 {
                return true;
            }
            // Until nobody has the stream.
            gone.lock().unwrap().recv_timeout(LONG).unwrap();
            let mut stream = own.lock().unwrap();
            asks.send(()).unwrap();
            let outcome = panic::catch_unwind(AssertUnwindSafe(|| stream.as_mut().unwrap().next()));
            outcome.is_err()
        });
        *shared.lock().unwrap() = Some(Box::new(results));
        let next = || shared.lock().unwrap().as_mut().unwrap().next();
        assert!(next().unwrap().unwrap());
        go.send(()).unwrap();
        // The item has the stream, and gives it back with its panic.
        asked.recv_timeout(LONG).unwrap();
        assert!(next().unwrap().unwrap());
        shared.lock().unwrap().take();
    });
}

#[test]
fn fault_6_a_stream_dropped_on_a_worker_of_its_pool_does_not_hang() {
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
fn fault_8_a_wait_that_times_out_loses_nothing() {
    in_time(|| {
        let (go, gone) = mpsc::channel();
        let gone = Mutex::new(gone);
        let mut results = pool(2).stream(0..3, move |n| {
            if n == 0 {
                gone.lock().unwrap().recv_timeout(LONG).unwrap();
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
        assert!(matches!(results.next_timeout(LONG), Ok(Some(Ok(0)))));
        assert!(matches!(
            results.next_timeout(Duration::MAX),
            Ok(Some(Ok(1)))
        ));
        assert!(matches!(results.next(), Some(Ok(2))));
        assert!(matches!(results.next_timeout(Duration::ZERO), Ok(None)));
    });
}

#[test]
fn fault_10_a_slow_consumer_holds_up_no_worker_and_no_memory() {
    in_time(|| {
        let (started, parallel) = (
            Arc::new(AtomicUsize::new(0)),
            pool(1).look_ahead(3).unwrap(),
        );
        let count = Arc::clone(&started);
        let mut results = parallel.stream(0.., move |n: u64| {
            count.fetch_add(1, Ordering::SeqCst);
            n
        });
        results.next();
        while started.load(Ordering::SeqCst) < 3 {
            thread::yield_now();
        }
        // The only worker is free for others while the consumer takes its time.
        assert!(parallel.map(&[1, 2], |n| n + 1).iter().all(Result::is_ok));
        assert!(started.load(Ordering::SeqCst) <= 4);
    });
}

#[test]
fn fault_11_a_stream_dropped_half_way_cancels_what_is_pending_and_waits_for_what_runs() {
    in_time(|| {
        let (started, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let both = (Arc::clone(&started), Arc::clone(&ended));
        let function = Arc::new(());
        let (of_f, parallel) = (Arc::clone(&function), pool(2).look_ahead(50).unwrap());
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
        // The function is gone with the stream, though the pool has empty jobs left in its queue.
        assert_eq!(Arc::strong_count(&function), 1);
        assert!(parallel.map(&[(); 4], |()| ()).iter().all(Result::is_ok));
        assert_eq!(started.load(Ordering::SeqCst), at_once);
    });
}

/// Panics when dropped.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn fault_2_inputs_results_and_payloads_that_panic_when_dropped_are_contained() {
    in_time(|| {
        let parallel = pool(2).look_ahead(40).unwrap();
        let mut results = parallel.stream((0..).map(|n: u64| (n, Bomb)), |(n, bomb)| {
            if n % 2 == 1 {
                panic::panic_any(bomb);
            }
            bomb
        });
        for _ in 0..4 {
            std::mem::forget(results.next());
        }
        drop(results);
        assert!(parallel.map(&[1], |n| n + 1).iter().all(Result::is_ok));
    });
}

#[test]
fn an_iterator_of_inputs_that_panics_loses_no_input_taken_before() {
    in_time(|| {
        let armed = AtomicBool::new(true);
        let inputs = (0..10).inspect(|&n| {
            assert!(n != 5 || !armed.swap(false, Ordering::SeqCst), "once");
        });
        let parallel = pool(2).grain(4).unwrap().look_ahead(8).unwrap();
        let mut results = parallel.stream(inputs, |n: u64| n);
        let first = panic::catch_unwind(AssertUnwindSafe(|| results.next()));
        assert!(first.is_err());
        // The fifth went down with the panic of the iterator itself.
        assert_eq!(values(results), [0, 1, 2, 3, 4, 6, 7, 8, 9]);
    });
}

#[test]
fn progress_counts_what_a_stream_has_taken_and_done() {
    in_time(|| {
        let progress = Progress::new();
        let parallel = pool(2).progress(&progress).grain(10).unwrap();
        assert_eq!(values(parallel.stream(0..95, |n| n)).len(), 95);
        assert_eq!((progress.done(), progress.total()), (95, 95));
    });
}

#[test]
fn a_look_ahead_of_0_is_refused() {
    let refused = DataParallel::new().look_ahead(0).unwrap_err();
    assert!(matches!(refused, ConfigError::ZeroLookAhead), "{refused}");
    assert!(refused.to_string().contains("at least 1"));
}

#[test]
fn a_piece_half_filled_with_bombs_is_dropped_in_silence() {
    for bombs in [1, 2] {
        let parallel = pool(1).grain(4).unwrap();
        let inputs = (0..4).map(move |n| {
            if n == bombs {
                panic!("source");
            }
            Bomb
        });
        let mut results = parallel.stream(inputs, std::mem::forget::<Bomb>);
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| results.next()));
        assert!(panicked.is_err());
        drop(results);

        // The same while the owner unwinds: a second panic would abort the process.
        let inputs = (0..4).map(move |n| {
            if n == bombs {
                panic!("source");
            }
            Bomb
        });
        let unwound = panic::catch_unwind(AssertUnwindSafe(|| {
            parallel.stream(inputs, std::mem::forget::<Bomb>).next()
        }));
        let payload = unwound.map(|_| ()).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"source"));
    }
}

#[test]
fn an_iterator_or_function_that_panics_in_drop_is_contained() {
    struct Inputs {
        left: u32,
        _bomb: Bomb,
    }
    impl Iterator for Inputs {
        type Item = u32;
        fn next(&mut self) -> Option<u32> {
            self.left = self.left.checked_sub(1)?;
            Some(self.left)
        }
    }
    let stream = |parallel: &DataParallel| {
        let bomb = Bomb;
        let inputs = Inputs {
            left: 10,
            _bomb: Bomb,
        };
        parallel.stream(inputs, move |n| {
            let _used = &bomb;
            n
        })
    };
    let parallel = pool(2);
    // To the end, half-way, and never begun.
    assert_eq!(values(stream(&parallel)), (0..10).rev().collect::<Vec<_>>());
    assert_eq!(values(stream(&parallel).take(3)), [9, 8, 7]);
    drop(stream(&parallel));
}
