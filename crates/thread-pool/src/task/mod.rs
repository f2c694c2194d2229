//! One job from submission to result: one allocation, shared by the queue and the handle.
//!
//! | file | what it holds |
//! |---|---|
//! | `state.rs` | the word that says how far the job has come, and counts the references |
//! | `body.rs` | the closure, and in its place the result |
//! | `job.rs` | the reference that the queue has: it runs and cancels |
//! | `outcome.rs` | the reference that the handle has: it waits, listens and takes the result |
//!
//! A job is claimed by one step on one word, so it is run once, or cancelled, never both. The queue entry of a job that
//! was claimed by its waiter, or cancelled, stays behind and is a no-op when a worker comes to it.
//!
//! Callbacks run between the end of the closure and `Finished`: nobody can have taken the result away from them.

mod body;
mod job;
mod outcome;
mod state;

pub(crate) use job::JobRef;
pub(crate) use outcome::OutcomeRef;
pub(crate) use state::Progress;

/// A job that nobody has started, as the queue and as its handle see it.
pub(crate) fn new<F, R>(job: F) -> (JobRef, OutcomeRef<R>)
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    OutcomeRef::new(job)
}
