//! Panics in jobs, maps and destructors, and that they affect nothing else.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use effective_thread_pool::{JobError, TaskPanic, ThreadPool};
use support::bomb::Bomb;
use support::{Gate, all_cancelled, occupy, within_deadline};

fn panic_of<R: std::fmt::Debug>(result: Result<R, JobError>) -> TaskPanic {
    match result {
        Err(JobError::Panicked(panic)) => panic,
        other => panic!("not a panic: {other:?}"),
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
fn result_that_panics_when_dropped_spares_the_worker() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        drop(pool.submit(|| Bomb).unwrap());
        gate.open();
        assert_eq!(pool.submit(|| 1).unwrap().wait().unwrap(), 1);
    });
}

#[test]
fn closure_that_panics_when_cancelled_is_contained() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let bomb = Bomb;
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
fn panicking_destructors_do_not_hang_a_map() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let bomb = Bomb;
        let results = pool.map((0..10).map(|_| Bomb), move |input| {
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
        let map = pool.mapping().start((0..10).map(|_| Bomb), drop);
        map.cancel();
        assert!(all_cancelled(&map.wait()));
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
            Bomb
        });
        has_started.recv().unwrap();
        drop(map);
        gate.open();
        // The worker drops six results, each of which panics.
        assert_eq!(pool.submit(|| 8).unwrap().wait().unwrap(), 8);
    });
}
