//! [`TaskRef`], the reference to a task that the queue holds, and threads that check its progress.

#![allow(
    unsafe_code,
    reason = "the reference count is in the task: see `state.rs`"
)]

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::body::AnyTask;
use super::state::{Ended, Progress, State};
use crate::error::JobError;
use crate::panic::drop_quietly;

/// A counted reference to a task. Dropping it never unwinds.
pub(crate) struct TaskRef(NonNull<dyn AnyTask>);

// SAFETY: As for an `Arc` of a type that is `Send` and `Sync`, which every `AnyTask` is. The thread
// that releases the last reference frees the task, which is sound because its closure and its
// result are `Send`.
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// # Safety
    /// `task` is a `Task` (whose first field is its state) from a leaked box, and one counted
    /// reference to it passes to the value returned.
    pub(super) unsafe fn from_raw(task: NonNull<dyn AnyTask>) -> Self {
        Self(task)
    }

    fn task(&self) -> &dyn AnyTask {
        // SAFETY: this reference keeps it alive.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn state(&self) -> &State {
        // SAFETY: this reference keeps it alive, and the state comes first in a task.
        unsafe { self.0.cast::<State>().as_ref() }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.state().progress()
    }

    /// Runs the job. Returns `false` if it was already claimed. Never unwinds.
    pub(crate) fn run(&self, worker: usize) -> bool {
        let Some(failed) = self.task().call(worker) else {
            return false;
        };
        if let Ended::Listened = self.state().end(failed) {
            self.task().end_listened(failed);
        }
        true
    }

    /// As [`run`](Self::run), and releases this reference in the same atomic step that ends the
    /// job.
    pub(crate) fn run_and_drop(self, worker: usize) {
        let Some(failed) = self.task().call(worker) else {
            return;
        };
        let this = ManuallyDrop::new(self);
        // SAFETY: This reference keeps the state alive, and it is not used again if the job has
        // ended.
        match unsafe { State::end_and_release(this.0.cast().as_ptr(), failed) } {
            Ended::Quietly => {}
            // SAFETY: that was the last reference.
            Ended::Unwanted => unsafe { free(this.0) },
            Ended::Listened => {
                this.task().end_listened(failed);
                drop(ManuallyDrop::into_inner(this));
            }
        }
    }

    /// Cancels the job if it is pending: drops its closure and stores `why` as its result. Never
    /// unwinds.
    pub(crate) fn cancel(&self, why: JobError) -> bool {
        self.task().cancel(why)
    }
}

/// # Safety
/// No reference is left.
unsafe fn free(task: NonNull<dyn AnyTask>) {
    // SAFETY: A `TaskRef` is made only from a leaked box, and by the caller's contract no other
    // reference is left.
    let boxed = unsafe { Box::from_raw(task.as_ptr()) };
    // This may drop a result that was never taken.
    drop_quietly(boxed);
}

impl Clone for TaskRef {
    fn clone(&self) -> Self {
        self.state().add_reference();
        Self(self.0)
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        // SAFETY: this reference keeps the state alive, and is not used again.
        if unsafe { State::release(self.0.cast().as_ptr()) } {
            // SAFETY: that was the last reference.
            unsafe { free(self.0) };
        }
    }
}
