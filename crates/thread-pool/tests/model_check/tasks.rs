//! Models of one task between its worker and its handle.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::callback::Callback;
use crate::check;
use crate::listeners::Watcher;
use crate::task;
use crate::{JobError, sync};

/// Counts how often it is dropped: each value has to be dropped once, wherever it ends up.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn waiter_gets_the_result_early_or_late() {
    check(3, || {
        let (job, mut outcome) = task::new(|| 7);
        let worker = thread::spawn(move || job.run_and_drop(0));
        assert!(matches!(outcome.wait_until(None, false), Some(Ok(7))));
        drop(outcome);
        worker.join().unwrap();
    });
}

#[test]
fn cancel_during_the_start_cancels_or_runs() {
    check(3, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let captured = Counted(Arc::clone(&dropped));
        let (job, mut outcome) = task::new(move || drop(captured));
        let worker = thread::spawn(move || job.run_and_drop(0));
        let cancelled = outcome.cancel(JobError::Cancelled);
        let result = outcome.wait_until(None, false);
        match result {
            Some(Ok(())) => assert!(!cancelled),
            Some(Err(JobError::Cancelled)) => assert!(cancelled),
            other => panic!("{other:?}"),
        }
        drop(outcome);
        worker.join().unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn last_of_worker_and_handle_drops_the_result() {
    check(3, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let result = Counted(Arc::clone(&dropped));
        let (job, outcome) = task::new(move || result);
        let worker = thread::spawn(move || job.run_and_drop(0));
        drop(outcome);
        worker.join().unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn third_reference_neither_leaks_nor_frees_the_task() {
    check(2, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let result = Counted(Arc::clone(&dropped));
        let (job, mut outcome) = task::new(move || result);
        let other = outcome.job();
        let worker = thread::spawn(move || job.run_and_drop(0));
        let looker = thread::spawn(move || {
            // As a waiter on a worker does.
            other.run(1);
            let _ = other.progress();
        });
        drop(outcome.wait_until(None, false));
        drop(outcome);
        worker.join().unwrap();
        looker.join().unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn callback_added_before_or_after_the_end_runs_once() {
    check(3, || {
        let called = Arc::new(AtomicUsize::new(0));
        let (job, mut outcome) = task::new(|| 7);
        let worker = thread::spawn(move || job.run_and_drop(0));
        let calls = Arc::clone(&called);
        let callback = move |result: &Result<i32, JobError>| {
            assert!(matches!(result, Ok(7)));
            calls.fetch_add(1, Ordering::Relaxed);
        };
        outcome.on_complete(Callback::new(callback, |panic| panic!("{panic}")));
        assert!(matches!(outcome.wait_until(None, false), Some(Ok(7))));
        // Before its result can be seen.
        assert_eq!(called.load(Ordering::Relaxed), 1);
        worker.join().unwrap();
    });
}

/// A waker that unparks a thread.
struct Unpark {
    thread: sync::thread::Thread,
    woken: loom::sync::atomic::AtomicBool,
}

impl std::task::Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[test]
fn waker_is_woken_when_the_job_has_ended() {
    check(3, || {
        let (job, mut outcome) = task::new(|| 7);
        let worker = thread::spawn(move || job.run_and_drop(0));
        let unpark = std::sync::Arc::new(Unpark {
            thread: thread::current(),
            woken: loom::sync::atomic::AtomicBool::new(false),
        });
        let waker = std::task::Waker::from(std::sync::Arc::clone(&unpark));
        let polled = outcome.poll(&waker);
        if polled.is_pending() {
            while !unpark.woken.load(Ordering::Acquire) {
                thread::park();
            }
            assert!(outcome.poll(&waker).is_ready());
        }
        worker.join().unwrap();
    });
}

#[test]
fn removed_waker_is_dropped_once() {
    check(3, || {
        let (job, outcome) = task::new(|| 7);
        let worker = thread::spawn(move || job.run_and_drop(0));
        let unpark = std::sync::Arc::new(Unpark {
            thread: thread::current(),
            woken: loom::sync::atomic::AtomicBool::new(false),
        });
        let waker = std::task::Waker::from(std::sync::Arc::clone(&unpark));
        outcome.watch(Watcher::Group, waker);
        outcome.unwatch(Watcher::Group);
        drop(outcome);
        worker.join().unwrap();
        assert_eq!(std::sync::Arc::strong_count(&unpark), 1);
    });
}
