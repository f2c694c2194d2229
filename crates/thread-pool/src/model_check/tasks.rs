//! Models of one task between its worker and its handle.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::check::check;
use crate::callback::Callback;
use crate::error::JobError;
use crate::listeners::Watcher;
use crate::{sync, task};

/// Counts how often it is dropped: each value has to be dropped once, wherever it ends up.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub(super) fn waiter_gets_the_result_early_or_late() {
    check(3, || {
        let (job, mut result) = task::new(|| 7);
        let worker = thread::spawn(move || job.run_and_drop(0));
        assert!(matches!(result.wait_until(None, false), Some(Ok(7))));
        drop(result);
        worker.join().unwrap();
    });
}

pub(super) fn cancel_during_the_start_cancels_or_runs() {
    check(3, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let captured = Counted(Arc::clone(&dropped));
        let (job, mut result) = task::new(move || drop(captured));
        let worker = thread::spawn(move || job.run_and_drop(0));
        let cancelled = result.cancel(JobError::Cancelled);
        let result = result.wait_until(None, false);
        match result {
            Some(Ok(())) => assert!(!cancelled),
            Some(Err(JobError::Cancelled)) => assert!(cancelled),
            other => panic!("{other:?}"),
        }
        drop(result);
        worker.join().unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    });
}

pub(super) fn last_of_worker_and_handle_drops_the_result() {
    check(3, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let result = Counted(Arc::clone(&dropped));
        let (job, result) = task::new(move || result);
        let worker = thread::spawn(move || job.run_and_drop(0));
        drop(result);
        worker.join().unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    });
}

pub(super) fn third_reference_neither_leaks_nor_frees_the_task() {
    check(2, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let result = Counted(Arc::clone(&dropped));
        let (job, mut result) = task::new(move || result);
        let other = result.task_ref();
        let worker = thread::spawn(move || job.run_and_drop(0));
        let looker = thread::spawn(move || {
            // As a waiter on a worker does.
            other.run(1);
            let _ = other.progress();
        });
        drop(result.wait_until(None, false));
        drop(result);
        worker.join().unwrap();
        looker.join().unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    });
}

pub(super) fn callback_added_before_or_after_the_end_runs_once() {
    check(3, || {
        let called = Arc::new(AtomicUsize::new(0));
        let (job, mut result) = task::new(|| 7);
        let worker = thread::spawn(move || job.run_and_drop(0));
        let calls = Arc::clone(&called);
        let callback = move |result: &Result<i32, JobError>| {
            assert!(matches!(result, Ok(7)));
            calls.fetch_add(1, Ordering::Relaxed);
        };
        result.on_complete(Callback::new(callback, |panic| panic!("{panic}")));
        assert!(matches!(result.wait_until(None, false), Some(Ok(7))));
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

pub(super) fn waker_is_woken_when_the_job_has_ended() {
    check(3, || {
        let (job, mut result) = task::new(|| 7);
        let worker = thread::spawn(move || job.run_and_drop(0));
        let unpark = std::sync::Arc::new(Unpark {
            thread: thread::current(),
            woken: loom::sync::atomic::AtomicBool::new(false),
        });
        let waker = std::task::Waker::from(std::sync::Arc::clone(&unpark));
        let polled = result.poll(&waker);
        if polled.is_pending() {
            while !unpark.woken.load(Ordering::Acquire) {
                thread::park();
            }
            assert!(result.poll(&waker).is_ready());
        }
        worker.join().unwrap();
    });
}

pub(super) fn removed_waker_is_dropped_once() {
    check(3, || {
        let (job, result) = task::new(|| 7);
        let worker = thread::spawn(move || job.run_and_drop(0));
        let unpark = std::sync::Arc::new(Unpark {
            thread: thread::current(),
            woken: loom::sync::atomic::AtomicBool::new(false),
        });
        let waker = std::task::Waker::from(std::sync::Arc::clone(&unpark));
        result.watch(Watcher::Group, waker);
        result.unwatch(Watcher::Group);
        drop(result);
        worker.join().unwrap();
        assert_eq!(std::sync::Arc::strong_count(&unpark), 1);
    });
}
