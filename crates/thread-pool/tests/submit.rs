//! Submitting jobs, waiting for their handles, and cancelling.

mod support;

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use effective_thread_pool::{
    AsCompleted, BuildError, Handle, InitializerError, JobError, Refusal, Scope, ScopedHandle,
    SubmitError, TaskPanic, ThreadPool, TimedOut,
};
use support::{Gauge, meet, occupy, within_deadline};

#[test]
fn each_handle_gets_its_own_result() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let handles: Vec<_> = (0..100_000u64)
            .map(|n| pool.submit(move || n * 3).unwrap())
            .collect();
        for (n, handle) in (0..).zip(handles) {
            assert_eq!(handle.wait().unwrap(), n * 3);
        }
    });
}

#[test]
fn single_worker_starts_jobs_in_order_of_submission() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let seen = Arc::new(Mutex::new(Vec::new()));
        for n in 0..1_000 {
            let seen = Arc::clone(&seen);
            drop(pool.submit(move || seen.lock().unwrap().push(n)).unwrap());
        }
        gate.open();
        pool.shutdown();
        assert!(seen.lock().unwrap().iter().copied().eq(0..1_000));
    });
}

#[test]
fn jobs_at_once_never_exceed_the_workers() {
    within_deadline(|| {
        let pool = ThreadPool::new(3).unwrap();
        let gauge = Arc::new(Gauge::default());
        for _ in 0..100 {
            let gauge = Arc::clone(&gauge);
            drop(pool.submit(move || {
                gauge.during(|| {
                    support::eventually(|| gauge.peak() >= 3);
                    std::thread::sleep(Duration::from_millis(1));
                });
            }));
        }
        pool.shutdown();
        assert_eq!(gauge.peak(), 3);
    });
}

#[test]
fn jobs_that_need_each_other_all_get_a_worker() {
    within_deadline(|| {
        let pool = ThreadPool::new(4).unwrap();
        for _ in 0..500 {
            meet(&pool, 4);
        }
    });
}

#[test]
fn cancel_during_the_start_cancels_or_runs() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        for _ in 0..20_000 {
            let ran = Arc::new(AtomicBool::new(false));
            let in_job = Arc::clone(&ran);
            let handle = pool
                .submit(move || in_job.store(true, Ordering::SeqCst))
                .unwrap();
            let cancelled = handle.cancel();
            let result = handle.wait();
            assert_eq!(cancelled, matches!(result, Err(JobError::Cancelled)));
            assert_eq!(cancelled, !ran.load(Ordering::SeqCst));
        }
    });
}

#[test]
fn detached_job_still_runs() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (sender, receiver) = mpsc::channel();
        drop(pool.submit(move || sender.send(7)).unwrap());
        assert_eq!(receiver.recv().unwrap(), 7);
    });
}

#[test]
fn captures_of_a_job_are_dropped_before_its_result_is_seen() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        for _ in 0..1_000 {
            let mine = Arc::new(());
            let theirs = Arc::clone(&mine);
            pool.submit(move || drop(theirs.clone()))
                .unwrap()
                .wait()
                .unwrap();
            assert_eq!(Arc::strong_count(&mine), 1);
        }
    });
}

#[test]
fn jobs_submitted_by_jobs_do_not_starve_those_from_outside() {
    fn again(pool: Arc<ThreadPool>, stop: Arc<AtomicBool>) {
        if !stop.load(Ordering::SeqCst) {
            let next = Arc::clone(&pool);
            drop(pool.submit(move || again(next, stop)));
        }
    }
    within_deadline(|| {
        let pool = Arc::new(ThreadPool::new(1).unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        again(Arc::clone(&pool), Arc::clone(&stop));
        pool.submit(|| ()).unwrap().wait().unwrap();
        stop.store(true, Ordering::SeqCst);
    });
}

#[test]
fn invalid_settings_are_typed_errors() {
    assert!(matches!(ThreadPool::new(0), Err(BuildError::NoWorkers)));
    assert!(matches!(
        ThreadPool::new(usize::MAX),
        Err(BuildError::TooManyWorkers { wanted: usize::MAX })
    ));
    // Far above this number, starting the threads would abort the process.
    assert!(matches!(
        ThreadPool::new(4_097),
        Err(BuildError::TooManyWorkers { wanted: 4_097 })
    ));
    assert!(matches!(
        ThreadPool::builder().name_prefix("a\0b").build(),
        Err(BuildError::InvalidName)
    ));
}

#[test]
fn workers_have_the_requested_stacks_and_names() {
    let pool = ThreadPool::builder()
        .workers(1)
        .name_prefix("named")
        .stack_size(64 << 20)
        .build()
        .unwrap();
    let name = pool
        .submit(|| {
            // More than the usual 2 MiB.
            let large = [1u8; 16 << 20];
            assert_eq!(std::hint::black_box(&large).len(), 16 << 20);
            std::thread::current().name().map(str::to_owned)
        })
        .unwrap();
    assert_eq!(name.wait().unwrap().as_deref(), Some("named-0"));
}

#[test]
fn errors_keep_results_small() {
    assert_eq!(size_of::<Result<u64, JobError>>(), 16);
}

#[test]
fn types_can_be_sent_shared_and_boxed() {
    fn send_sync<T: Send + Sync>() {}
    fn error<T: Error + Send + Sync + 'static>() {}
    send_sync::<ThreadPool>();
    send_sync::<Handle<std::cell::Cell<u8>>>();
    error::<JobError>();
    error::<TaskPanic>();
    error::<BuildError>();
    error::<SubmitError<fn()>>();
    error::<InitializerError>();
    error::<Refusal>();
    error::<TimedOut>();
    send_sync::<AsCompleted<std::cell::Cell<u8>>>();
    send_sync::<ScopedHandle<'_, std::cell::Cell<u8>>>();
    send_sync::<Scope<'_, '_>>();
}

/// A chain of jobs that each submit the next one, while `on` is set.
fn chain(pool: Arc<ThreadPool>, on: Arc<AtomicBool>) {
    thread::sleep(Duration::from_micros(50));
    if on.load(Ordering::SeqCst) {
        let next = Arc::clone(&pool);
        drop(pool.submit(move || chain(next, on)).unwrap());
    }
}

/// Runs a job that blocks until a job that it submits has run.
fn block_on_a_child(pool: &Arc<ThreadPool>) {
    let inner = Arc::clone(pool);
    let parent = pool.submit(move || {
        let (sender, receiver) = mpsc::channel();
        let _child = inner.submit(move || sender.send(())).unwrap();
        receiver.recv_timeout(Duration::from_secs(60)).is_ok()
    });
    assert!(parent.unwrap().wait().unwrap(), "the child has not run");
}

#[test]
fn child_of_a_blocked_job_runs_while_others_are_busy() {
    within_deadline(|| {
        for workers in [2, 3] {
            let pool = Arc::new(ThreadPool::new(workers).unwrap());
            let on = Arc::new(AtomicBool::new(true));
            for _ in 0..workers {
                let (chained, on) = (Arc::clone(&pool), Arc::clone(&on));
                drop(pool.submit(move || chain(chained, on)).unwrap());
            }
            block_on_a_child(&pool);
            on.store(false, Ordering::SeqCst);
        }
    });
}

#[test]
fn child_of_a_blocked_job_runs_while_the_pool_is_flooded() {
    within_deadline(|| {
        let pool = Arc::new(
            ThreadPool::builder()
                .workers(2)
                .max_pending(64)
                .build()
                .unwrap(),
        );
        let on = Arc::new(AtomicBool::new(true));
        let flood = thread::spawn({
            let (pool, on) = (Arc::clone(&pool), Arc::clone(&on));
            move || {
                while on.load(Ordering::SeqCst) {
                    drop(
                        pool.submit(|| thread::sleep(Duration::from_micros(50)))
                            .unwrap(),
                    );
                }
            }
        });
        block_on_a_child(&pool);
        on.store(false, Ordering::SeqCst);
        flood.join().unwrap();
    });
}
