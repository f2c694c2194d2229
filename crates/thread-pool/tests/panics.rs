//! Panics in jobs, maps and destructors, and that they affect nothing else.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use effective_thread_pool::{JobError, TaskPanic, ThreadPool};
use support::{Gate, occupy, within_deadline};

fn panic_of<R: std::fmt::Debug>(result: Result<R, JobError>) -> TaskPanic {
    match result {
        Err(JobError::Panicked(panic)) => panic,
        other => panic!("not a panic: {other:?}"),
    }
}

/// Panics when dropped, with another of its kind as the payload, `0` more times.
struct Bomb(usize);

impl Drop for Bomb {
    fn drop(&mut self) {
        if let Some(more) = self.0.checked_sub(1) {
            panic_any(Bomb(more));
        }
    }
}

#[test]
fn panic_is_the_error_of_its_job_and_the_worker_survives() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let before = pool
            .submit(|| std::thread::current().id())
            .unwrap()
            .wait()
            .unwrap();
        let number = std::hint::black_box(3);
        let bad = pool
            .submit(move || -> u8 { panic!("job {number}") })
            .unwrap();
        let good = pool.submit(|| std::thread::current().id()).unwrap();
        let panic = panic_of(bad.wait());
        assert_eq!(panic.message(), "job 3");
        assert_eq!(panic.to_string(), "the task panicked: job 3");
        assert_eq!(*panic.into_payload().downcast::<String>().unwrap(), "job 3");
        assert_eq!(good.wait().unwrap(), before);
    });
}

#[test]
fn any_payload_comes_through() {
    let pool = ThreadPool::new(1).unwrap();
    let panic = panic_of(pool.submit(|| panic_any(17u32)).unwrap().wait());
    assert_eq!(panic.message(), "the payload of the panic is not a string");
    assert_eq!(*panic.into_payload().downcast::<u32>().unwrap(), 17);
    let panic = panic_of(pool.submit(|| panic!("plain")).unwrap().wait());
    assert_eq!(*panic.into_payload().downcast::<&str>().unwrap(), "plain");
}

#[test]
fn a_payload_that_panics_when_dropped_is_contained() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        // One holds a bomb that goes off once, the other one that goes off again and again.
        for depth in [1, 5] {
            // Dropped by the waiter.
            drop(pool.submit(move || panic_any(Bomb(depth))).unwrap().wait());
            // Dropped by the worker, since nobody waits.
            drop(pool.submit(move || panic_any(Bomb(depth))).unwrap());
        }
        assert_eq!(pool.submit(|| 1).unwrap().wait().unwrap(), 1);
    });
}

#[test]
fn result_that_panics_when_dropped_spares_the_worker() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        drop(pool.submit(|| Bomb(1)).unwrap());
        gate.open();
        assert_eq!(pool.submit(|| 1).unwrap().wait().unwrap(), 1);
    });
}

#[test]
fn closure_that_panics_when_cancelled_is_contained() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let bomb = Bomb(3);
        let handle = pool.submit(move || drop(bomb)).unwrap();
        assert!(handle.cancel());
        assert!(matches!(handle.wait(), Err(JobError::Cancelled)));
        gate.open();
        assert_eq!(pool.submit(|| 1).unwrap().wait().unwrap(), 1);
    });
}

#[test]
fn panic_in_a_map_is_the_error_of_its_input() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let results = pool.map(0..1_000u32, |n| {
            assert!(n % 100 != 7, "input {n}");
            n
        });
        for (n, result) in (0..1_000).zip(results) {
            match result {
                Ok(value) => assert_eq!(value, n),
                Err(JobError::Panicked(panic)) => {
                    assert_eq!(n % 100, 7);
                    assert_eq!(panic.message(), format!("input {n}"));
                }
                Err(other) => panic!("{other}"),
            }
        }
    });
}

#[test]
fn a_payload_that_panics_when_dropped_is_contained_in_a_map_too() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let results = pool.map(
            0..10usize,
            |n| if n % 2 == 0 { panic_any(Bomb(n)) } else { n },
        );
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 5);
        drop(results);
        assert_eq!(pool.map([1], |n| n).len(), 1);
    });
}

#[test]
fn panicking_destructors_do_not_hang_a_map() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let bomb = Bomb(2);
        let results = pool.map((0..10).map(|_| Bomb(1)), move |input| {
            let _ = &bomb;
            drop(input);
        });
        // The input is dropped inside the call.
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(JobError::Panicked(_))))
        );

        let (gate, _) = occupy(&pool);
        let (second, _) = occupy(&pool);
        let map = pool.mapping().start((0..10).map(|_| Bomb(2)), drop);
        map.cancel();
        assert!(
            map.wait()
                .iter()
                .all(|result| matches!(result, Err(JobError::Cancelled)))
        );
        gate.open();
        second.open();
    });
}

#[test]
fn panicking_input_iterator_starts_nothing() {
    let pool = ThreadPool::new(1).unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let in_f = Arc::clone(&calls);
    let made = catch_unwind(AssertUnwindSafe(|| {
        pool.map((0..10).inspect(|&n| assert!(n < 5)), move |_| {
            in_f.fetch_add(1, Ordering::SeqCst)
        });
    }));
    assert!(made.is_err());
    pool.shutdown();
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[test]
fn results_of_a_dropped_map_may_panic_when_dropped() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let gate = Gate::new();
        let inside = gate.clone();
        let (started, has_started) = mpsc::channel();
        let map = pool.mapping().start(0..10, move |n| {
            if n == 5 {
                started.send(()).unwrap();
                inside.pass();
            }
            Bomb(1)
        });
        has_started.recv().unwrap();
        drop(map);
        gate.open();
        // The worker drops six results, each of which panics.
        assert_eq!(pool.submit(|| 8).unwrap().wait().unwrap(), 8);
    });
}

#[test]
fn an_iterators_panic_survives_inputs_that_panic_in_drop() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let inputs = || (0..5).map(|n| if n < 3 { Bomb } else { panic!("source") });
    within_deadline(move || {
        let pool = ThreadPool::new(1).unwrap();
        let mapped = catch_unwind(AssertUnwindSafe(|| {
            drop(pool.map(inputs(), std::mem::forget));
        }));
        assert_eq!(mapped.unwrap_err().downcast_ref(), Some(&"source"));
        let scoped = catch_unwind(AssertUnwindSafe(|| {
            drop(pool.scope(|scope| drop(scope.map(inputs(), std::mem::forget))));
        }));
        assert_eq!(scoped.unwrap_err().downcast_ref(), Some(&"source"));
    });
}

#[test]
fn an_absurd_size_hint_reserves_no_memory() {
    struct Boastful(u32);
    impl Iterator for Boastful {
        type Item = u32;
        fn next(&mut self) -> Option<u32> {
            self.0 = self.0.checked_sub(1)?;
            Some(self.0)
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (usize::MAX, None)
        }
    }
    let pool = ThreadPool::new(1).unwrap();
    let results = pool.map(Boastful(3), |n| n);
    assert!(results.into_iter().map(Result::unwrap).eq([2, 1, 0]));
}
