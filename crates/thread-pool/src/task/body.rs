//! What lies in a task: the closure, and when that has been called, in its place, the result.

#![allow(
    unsafe_code,
    reason = "two values share one place; the state says which of them is there"
)]

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::state::{Content, State};
use crate::listeners::Listeners;
use crate::panic::drop_contained;
use crate::sync::{Mutex, UnsafeCell};
use crate::{JobError, TaskPanic, lock};

/// One job. Its first field is the state, wherever a reference to it leads: see `job.rs`.
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

// SAFETY: The closure and the result are moved from thread to thread, for which both are `Send`, and are looked at by one
// thread at a time: by who claimed the job, then by the one handle (see `Outcome::take` and `Outcome::look`). The other
// fields are `Sync` by themselves; what the listeners hold is `Send`, and under a lock.
unsafe impl<F: Send, R: Send> Sync for Task<F, R> {}

impl<F, R> Task<F, R> {
    /// A pending job with two references: the queue's and the handle's.
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
    /// The caller has claimed the job and has not moved the closure out before.
    unsafe fn closure(&self) -> F {
        self.body.with_mut(|body| {
            // SAFETY: A job that was pending holds its closure, and who claims it is alone with it.
            unsafe { ManuallyDrop::take(&mut (*body).closure) }
        })
    }

    /// # Safety
    /// The caller has claimed the job and has moved the closure out.
    unsafe fn put(&self, result: Result<R, JobError>) {
        self.body.with_mut(|body| {
            // SAFETY: Who claimed the job is alone with its place until it says that the job has ended.
            unsafe { (*body).result = ManuallyDrop::new(result) }
        });
    }
}

/// A job as the queue sees it. Nothing here unwinds.
pub(super) trait Job: Send + Sync {
    /// Claims the job, calls the closure and puts the result, or the panic, into its place. What it returns says whether
    /// that is an error; `None` if somebody else has claimed the job. The caller is to end the job.
    fn call(&self, worker: usize) -> Option<bool>;

    /// Ends a job that was called, for who listens: calls the callbacks, those too that come while others run; then
    /// shows the result to who waits for it.
    fn end_listened(&self, failed: bool);

    /// Cancels the job if it is still pending, drops its closure and makes `why` its result.
    fn cancel(&self, why: JobError) -> bool;
}

/// A job as its handle sees it.
pub(super) trait Outcome<R>: Job {
    fn listeners(&self) -> &Mutex<Option<Box<Listeners<R>>>>;

    /// Moves the result out.
    ///
    /// # Safety
    /// The state has just said that it is the caller's to take.
    unsafe fn take(&self) -> Result<R, JobError>;

    /// Looks at the result.
    ///
    /// # Safety
    /// The job has ended, the result was not taken, and nobody else looks at it or takes it until `f` returns.
    unsafe fn look(&self, f: &mut dyn FnMut(&Result<R, JobError>));
}

impl<F, R> Job for Task<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    fn call(&self, worker: usize) -> Option<bool> {
        if !self.state.claim(worker) {
            return None;
        }
        // SAFETY: claimed just now.
        let job = unsafe { self.closure() };
        // The closure is gone, with all it captured, before the result can be seen.
        let result = catch_unwind(AssertUnwindSafe(job))
            .map_err(|payload| JobError::Panicked(TaskPanic::new(payload)));
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
                    // SAFETY: The result is there, and the job has not ended: until it does, only
                    // the caller, which claimed the job, has access to the result. It does end
                    // after this: a `Callback` never unwinds.
                    callback.call(unsafe { &(*body).result });
                });
            }
        }
    }

    fn cancel(&self, why: JobError) -> bool {
        if !self.state.claim_to_cancel() {
            drop_contained(why);
            return false;
        }
        // SAFETY: claimed just now.
        drop_contained(unsafe { self.closure() });
        // SAFETY: claimed, and the closure is moved out.
        unsafe { self.put(Err(why)) };
        if let super::state::Ended::Listened = self.state.end(true) {
            self.end_listened(true);
        }
        true
    }
}

impl<F, R> Outcome<R> for Task<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    fn listeners(&self) -> &Mutex<Option<Box<Listeners<R>>>> {
        &self.listeners
    }

    unsafe fn take(&self) -> Result<R, JobError> {
        self.body.with_mut(|body| {
            // SAFETY: A job that has ended holds its result, which by the state is the caller's alone.
            unsafe { ManuallyDrop::take(&mut (*body).result) }
        })
    }

    unsafe fn look(&self, f: &mut dyn FnMut(&Result<R, JobError>)) {
        self.body.with(|body| {
            // SAFETY: A job that has ended holds its result; the caller sees to it that nobody changes it.
            f(unsafe { &(*body).result });
        });
    }
}

impl<F, R> Drop for Task<F, R> {
    fn drop(&mut self) {
        let content = self.state.content();
        self.body.with_mut(|body| {
            // SAFETY: The last reference is gone, so this is alone; and the state says what is there.
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
