//! One job from submission to result, in one allocation that the queue and the handle share.
//!
//! | file | contents |
//! |---|---|
//! | `state.rs` | the atomic word that holds the stage of the job and the reference count |
//! | `body.rs` | the task itself: the closure, and later the result in its place |
//! | `task_ref.rs` | the reference of the queue, which runs and cancels |
//! | `result_ref.rs` | the reference of the handle, which waits, listens and takes the result |
//!
//! A job is claimed by one step on one word, so it is either run once or cancelled. If its waiter
//! ran or cancelled it, its queue entry stays behind and is a no-op for the worker that takes it.
//!
//! Callbacks run between the end of the closure and the stage `Finished`, so the result cannot have
//! been taken before they see it.

mod body;
mod result_ref;
mod state;
mod task_ref;

pub(crate) use result_ref::ResultRef;
pub(crate) use state::Progress;
pub(crate) use task_ref::TaskRef;

/// A pending job: the reference of the queue and that of the handle.
pub(crate) fn new<F, R>(job: F) -> (TaskRef, ResultRef<R>)
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    ResultRef::new(job)
}
