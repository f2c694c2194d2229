//! The initializer of workers, and its failure.

mod support;

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use effective_thread_pool::{InitializerError, JobError, Refusal, ThreadPool};
use support::{Gate, eventually, within_deadline};

thread_local!(static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) });

#[derive(Debug)]
struct NoServer;

impl fmt::Display for NoServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no server")
    }
}

impl Error for NoServer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&fmt::Error)
    }
}

/// A pool whose only worker's initializer waits at the gate and then fails.
fn failing() -> (Gate, ThreadPool) {
    let gate = Gate::new();
    let inside = gate.clone();
    let pool = ThreadPool::builder()
        .workers(1)
        .initializer(move |_| {
            inside.pass();
            Err(NoServer)
        })
        .build()
        .unwrap();
    (gate, pool)
}

#[test]
fn each_worker_is_initialized_once_before_its_first_job() {
    within_deadline(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&calls);
        let pool = ThreadPool::builder()
            .workers(3)
            .initializer(move |number| {
                counts.fetch_add(1, Ordering::SeqCst);
                NUMBER.set(number);
                Ok::<_, NoServer>(())
            })
            .build()
            .unwrap();
        for _ in 0..50 {
            let all = Arc::new(Barrier::new(3));
            let handles = [(); 3].map(|()| {
                let all = Arc::clone(&all);
                pool.submit(move || {
                    all.wait();
                    NUMBER.get()
                })
                .unwrap()
            });
            let mut numbers = handles.map(|handle| handle.wait().unwrap());
            numbers.sort_unstable();
            assert_eq!(numbers, [0, 1, 2]);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn failure_reports_worker_cause_and_source() {
    within_deadline(|| {
        let (gate, pool) = failing();
        let pending = pool.submit(|| ()).unwrap();
        gate.open();
        let error = pending.wait().unwrap_err();
        let said = "the job never ran: the initializer of worker 0 failed (no server): \
                    fix the cause and build the pool again";
        assert_eq!(error.to_string(), said);
        // The source of the cause, since `Display` already has the cause.
        assert_eq!(error.source().unwrap().to_string(), fmt::Error.to_string());
        let JobError::Initializer(cause) = error else {
            panic!("{error:?}")
        };
        assert_eq!(cause.worker(), 0);
        assert!(cause.error().unwrap().downcast_ref::<NoServer>().is_some());
        assert!(cause.panic().is_none());
        let again: InitializerError = cause.clone();
        assert_eq!(again.to_string(), cause.to_string());
    });
}

#[test]
fn panicking_initializer_is_a_failure() {
    within_deadline(|| {
        let pool = ThreadPool::builder()
            .workers(1)
            .initializer(|_| -> Result<(), NoServer> { panic!("no luck") })
            .build()
            .unwrap();
        eventually(|| pool.submit(|| ()).is_err());
        let refused = pool.submit(|| 1).unwrap_err();
        let Refusal::Initializer(cause) = refused.refusal() else {
            panic!("{refused:?}")
        };
        assert_eq!(cause.panic().unwrap().message(), "no luck");
        assert!(
            refused.to_string().contains("panicked (no luck)"),
            "{refused}"
        );
        assert_eq!(refused.into_job()(), 1);
    });
}

#[test]
fn running_jobs_finish_after_a_failed_initializer() {
    within_deadline(|| {
        let gate = Gate::new();
        let inside = gate.clone();
        let pool = ThreadPool::builder()
            .workers(2)
            .initializer(move |worker| {
                if worker == 0 {
                    return Ok(());
                }
                inside.pass();
                Err(NoServer)
            })
            .build()
            .unwrap();
        let (job_gate, running) = support::occupy(&pool);
        let pending = pool.submit(|| ()).unwrap();
        gate.open();
        assert!(matches!(pending.wait(), Err(JobError::Initializer(_))));
        assert!(!running.is_finished());
        job_gate.open();
        running.wait().unwrap();
    });
}

#[test]
fn failure_reaches_maps_streams_scopes_and_submitters() {
    within_deadline(|| {
        let (gate, pool) = failing();
        let map = pool.mapping().start(0..10, |n| n);
        gate.open();
        let results = map.wait();
        assert_eq!(results.len(), 10);
        let failed =
            |result: &Result<i32, JobError>| matches!(result, Err(JobError::Initializer(_)));
        assert!(results.iter().all(failed));
        let results: Vec<_> = pool.mapping().stream(0.., |n| n).collect();
        // All inputs that were pulled before the pool was seen closed.
        assert!((1..=64).contains(&results.len()) && results.iter().all(failed));
        let refused = pool.scope(|scope| scope.submit(|| ()).is_err()).unwrap();
        assert!(refused);

        let (gate, pool) = failing();
        let result = pool.scope(|scope| {
            drop(scope.submit(|| ()).unwrap());
            gate.open();
        });
        assert!(
            matches!(result, Err(JobError::Initializer(_))),
            "{result:?}"
        );

        let gate = Gate::new();
        let inside = gate.clone();
        let pool = ThreadPool::builder()
            .workers(1)
            .max_pending(1)
            .initializer(move |_| {
                inside.pass();
                Err(NoServer)
            })
            .build()
            .unwrap();
        drop(pool.submit(|| ()).unwrap());
        std::thread::scope(|threads| {
            let blocked = threads.spawn(|| pool.submit(|| ()));
            std::thread::sleep(std::time::Duration::from_millis(5));
            gate.open();
            let refused = blocked.join().unwrap().unwrap_err();
            assert!(
                matches!(refused.refusal(), Refusal::Initializer(_)),
                "{refused:?}"
            );
        });
    });
}

#[test]
fn failed_pool_shuts_down_like_any_other() {
    within_deadline(|| {
        for _ in 0..50 {
            let (gate, pool) = failing();
            gate.open();
            pool.shutdown();
            let (gate, pool) = failing();
            gate.open();
            pool.shutdown_now();
        }
    });
}
