//! Models of scoped jobs, on a whole pool.
//!
//! The jobs borrow loom's cells: an access of the owner that is not ordered after the job's is an
//! error, and so is an owner that is never woken.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use loom::cell::Cell;
use loom::sync::atomic::{AtomicUsize, Ordering};

use super::check::check;
use crate::error::JobError;
use crate::pool::ThreadPool;

/// Changes the borrowed value when it is dropped.
struct Last<'a>(&'a mut Cell<usize>);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

pub(super) fn scope_ends_after_job_whose_handle_is_forgotten() {
    check(3, || {
        let pool = ThreadPool::new(1).unwrap();
        let mut value = Cell::new(0);
        pool.scope(|scope| {
            let value = &mut value;
            std::mem::forget(scope.submit(move || value.set(1)).unwrap());
        })
        .unwrap();
        assert_eq!(value.get(), 1);
        drop(value);
    });
}

pub(super) fn scope_ends_after_forgotten_job_that_panics() {
    check(2, || {
        let pool = ThreadPool::new(1).unwrap();
        let mut value = Cell::new(0);
        pool.scope(|scope| {
            let last = Last(&mut value);
            let job = scope.submit(move || {
                let _last = last;
                // Without the hook, which would print each time.
                resume_unwind(Box::new("job"));
            });
            std::mem::forget(job.unwrap());
        })
        .unwrap();
        assert_eq!(value.get(), 1);
    });
}

pub(super) fn scope_reports_panic_of_job_whose_handle_is_dropped() {
    check(2, || {
        let pool = ThreadPool::new(1).unwrap();
        let mut value = Cell::new(0);
        let result = pool.scope(|scope| {
            let last = Last(&mut value);
            let job = scope.submit(move || {
                let _last = last;
                resume_unwind(Box::new("job"));
            });
            drop(job.unwrap());
        });
        assert!(matches!(result, Err(JobError::Panicked(_))));
        assert_eq!(value.get(), 1);
    });
}

pub(super) fn scope_whose_closure_panics_waits_for_its_job() {
    check(2, || {
        let pool = ThreadPool::new(1).unwrap();
        let mut value = Cell::new(0);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pool.scope(|scope| -> () {
                let value = &mut value;
                std::mem::forget(scope.submit(move || value.set(1)).unwrap());
                resume_unwind(Box::new("scope"));
            })
        }));
        assert!(caught.is_err());
        assert_eq!(value.get(), 1);
    });
}

pub(super) fn cancel_of_scoped_job_against_its_start_repays_once() {
    check(2, || {
        let pool = ThreadPool::new(1).unwrap();
        let mut value = Cell::new(0);
        let mut ran = Cell::new(false);
        let cancelled = pool
            .scope(|scope| {
                let (last, ran) = (Last(&mut value), &mut ran);
                let job = scope.submit(move || {
                    ran.set(true);
                    drop(last);
                });
                let job = job.unwrap();
                let cancelled = job.cancel();
                std::mem::forget(job);
                cancelled
            })
            .unwrap();
        // Dropped once, by whichever thread, before the scope has ended.
        assert_eq!(value.get(), 1);
        assert_ne!(ran.get(), cancelled);
    });
}

pub(super) fn last_of_two_workers_to_repay_wakes_the_owner() {
    check(1, || {
        let pool = ThreadPool::new(2).unwrap();
        let mut values = [Cell::new(0), Cell::new(0)];
        pool.scope(|scope| {
            for value in &mut values {
                std::mem::forget(scope.submit(move || value.set(1)).unwrap());
            }
        })
        .unwrap();
        assert!(values.iter().all(|value| value.get() == 1));
    });
}

pub(super) fn job_submitted_by_a_job_extends_the_scope() {
    check(2, || {
        let pool = ThreadPool::new(1).unwrap();
        let mut value = Cell::new(0);
        pool.scope(|scope| {
            let value = &mut value;
            let outer = scope.submit(move || {
                std::mem::forget(scope.submit(move || value.set(1)).unwrap());
            });
            std::mem::forget(outer.unwrap());
        })
        .unwrap();
        assert_eq!(value.get(), 1);
    });
}

pub(super) fn result_of_scoped_job_passes_to_waiter_or_ends_in_scope() {
    check(1, || {
        let pool = ThreadPool::new(1).unwrap();
        let mut values = [Cell::new(0), Cell::new(0)];
        let [waited, unwanted] = &mut values;
        pool.scope(|scope| {
            let waited = scope.submit(move || Last(waited)).unwrap();
            drop(scope.submit(move || Last(unwanted)).unwrap());
            drop(waited.wait().unwrap());
        })
        .unwrap();
        assert!(values.iter().all(|value| value.get() == 1));
    });
}

pub(super) fn scope_on_a_worker_of_a_full_pool_runs_its_own_job() {
    check(2, || {
        let pool = Arc::new(ThreadPool::new(1).unwrap());
        let inner = Arc::clone(&pool);
        let outer = pool.submit(move || {
            let mut value = Cell::new(0);
            inner
                .scope(|scope| {
                    let value = &mut value;
                    std::mem::forget(scope.submit(move || value.set(1)).unwrap());
                })
                .unwrap();
            value.get()
        });
        assert!(matches!(outer.unwrap().wait(), Ok(1)));
    });
}

pub(super) fn scoped_map_drops_function_and_inputs_before_it_returns() {
    check(1, || {
        let pool = ThreadPool::new(1).unwrap();
        let mut inputs = [Cell::new(1), Cell::new(2)];
        let calls = AtomicUsize::new(0);
        let results = pool.scope(|scope| {
            scope.map(&mut inputs, |input| {
                calls.fetch_add(1, Ordering::Relaxed);
                input.set(input.get() + 10);
            })
        });
        assert_eq!(results.unwrap().into_iter().flatten().count(), 2);
        assert_eq!(calls.load(Ordering::Relaxed), 2);
        assert_eq!(inputs.map(|input| input.get()), [11, 12]);
    });
}
