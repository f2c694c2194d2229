//! [`Task`]: the closure of a job and, once that has been called, its result in the same place.

#![allow(
    unsafe_code,
    reason = "two values share one place; the state says which one is there"
)]

use std::mem::ManuallyDrop;

use super::state::{Content, State};
use crate::error::JobError;
use crate::listeners::Listeners;
use crate::panic::{catch, drop_quietly};
use crate::sync::{Mutex, UnsafeCell, lock};

/// One job. The state is the first field, so that a reference to any task leads to it: see
/// `task_ref.rs`.
#[repr(C)]
pub(super) struct Task<F, R> {
    state: State,
    body: UnsafeCell<Body<F, R>>,
    listeners: Mutex<Option<Box<Listeners<R>>>>,
}

union Body<F, R> {
    closure: ManuallyDrop<F>,
    result: ManuallyDrop<Result<R, JobError>>,
}

// SAFETY: The closure and the result, which are both `Send`, are accessed by one thread at a time:
// by the one that claimed the job, then by the one handle (see `AnyTaskOf::take` and
// `with_result`). The other fields are `Sync`; the listeners hold `Send` values under a lock.
unsafe impl<F: Send, R: Send> Sync for Task<F, R> {}

impl<F, R> Task<F, R> {
    /// A pending job with two references, one for the queue and one for the handle.
    pub(super) fn new(job: F) -> Self {
        Self {
            state: State::new(2),
            body: UnsafeCell::new(Body {
                closure: ManuallyDrop::new(job),
            }),
            listeners: Mutex::new(None),
        }
    }

    /// # Safety
    /// The caller has claimed the job and has not moved the closure out yet.
    unsafe fn closure(&self) -> F {
        self.body.with_mut(|body| {
            // SAFETY: A pending job holds its closure, to which the claimer has exclusive access.
            unsafe { ManuallyDrop::take(&mut (*body).closure) }
        })
    }

    /// # Safety
    /// The caller has claimed the job and has moved the closure out.
    unsafe fn put(&self, result: Result<R, JobError>) {
        self.body.with_mut(|body| {
            // SAFETY: The claimer has exclusive access to the body until it marks the job as ended.
            unsafe { (*body).result = ManuallyDrop::new(result) }
        });
    }
}

/// A task as the queue sees it. No method unwinds.
pub(super) trait AnyTask: Send + Sync {
    /// Claims the job, calls the closure and stores its result or panic. Returns whether it
    /// panicked, or `None` if the job was claimed before. The caller must then end the job.
    fn call(&self, worker: usize) -> Option<bool>;

    /// Ends a called job that has listeners: runs the callbacks, including those added meanwhile,
    /// then publishes the result and wakes the waiters.
    fn end_listened(&self, failed: bool);

    /// Cancels the job if it is pending: drops its closure and stores `why` as its result.
    fn cancel(&self, why: JobError) -> bool;
}

/// A task as its handle sees it.
pub(super) trait AnyTaskOf<R>: AnyTask {
    fn listeners(&self) -> &Mutex<Option<Box<Listeners<R>>>>;

    /// Moves the result out.
    ///
    /// # Safety
    /// The state has just returned that the result is the caller's.
    unsafe fn take(&self) -> Result<R, JobError>;

    /// Passes the result to `f`.
    ///
    /// # Safety
    /// The job has ended, the result has not been taken, and no other thread takes or reads it
    /// until `f` returns.
    unsafe fn with_result(&self, f: &mut dyn FnMut(&Result<R, JobError>));
}

impl<F, R> AnyTask for Task<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    fn call(&self, worker: usize) -> Option<bool> {
        if !self.state.claim(worker) {
            return None;
        }
        // SAFETY: the claim above succeeded.
        let job = unsafe { self.closure() };
        // The closure and its captures are dropped before the result becomes visible.
        let result = catch(job).map_err(JobError::Panicked);
        let failed = result.is_err();
        // SAFETY: claimed, and the closure is moved out.
        unsafe { self.put(result) };
        Some(failed)
    }

    fn end_listened(&self, failed: bool) {
        loop {
            let mut slot = lock(&self.listeners);
            let callbacks = match &mut *slot {
                Some(listeners) => listeners.take_callbacks(),
                None => Vec::new(),
            };
            if callbacks.is_empty() {
                self.state.end_listened(failed);
                let listeners = slot.take();
                drop(slot);
                if let Some(listeners) = listeners {
                    listeners.wake();
                }
                return;
            }
            drop(slot);
            for callback in callbacks {
                self.body.with(|body| {
                    // SAFETY: The result is stored, and until the job ends, only the caller, which
                    // claimed it, accesses the result. A `Callback` never unwinds, so the caller
                    // does end the job.
                    callback.call(unsafe { &(*body).result });
                });
            }
        }
    }

    fn cancel(&self, why: JobError) -> bool {
        if !self.state.claim_to_cancel() {
            drop_quietly(why);
            return false;
        }
        // SAFETY: the claim above succeeded.
        drop_quietly(unsafe { self.closure() });
        // SAFETY: claimed, and the closure is moved out.
        unsafe { self.put(Err(why)) };
        if let super::state::Ended::Listened = self.state.end(true) {
            self.end_listened(true);
        }
        true
    }
}

impl<F, R> AnyTaskOf<R> for Task<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    fn listeners(&self) -> &Mutex<Option<Box<Listeners<R>>>> {
        &self.listeners
    }

    unsafe fn take(&self) -> Result<R, JobError> {
        self.body.with_mut(|body| {
            // SAFETY: An ended job holds its result, and by the state only the caller accesses it.
            unsafe { ManuallyDrop::take(&mut (*body).result) }
        })
    }

    unsafe fn with_result(&self, f: &mut dyn FnMut(&Result<R, JobError>)) {
        self.body.with(|body| {
            // SAFETY: An ended job holds its result; by the caller's contract it does not change
            // meanwhile.
            f(unsafe { &(*body).result });
        });
    }
}

impl<F, R> Drop for Task<F, R> {
    fn drop(&mut self) {
        let content = self.state.content();
        self.body.with_mut(|body| {
            // SAFETY: The last reference is gone, so access is exclusive, and the state says what
            // the body holds.
            unsafe {
                match content {
                    Content::Closure => ManuallyDrop::drop(&mut (*body).closure),
                    Content::Result => ManuallyDrop::drop(&mut (*body).result),
                    Content::Nothing => {}
                }
            }
        });
    }
}
