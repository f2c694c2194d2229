//! What can go wrong with a job, a submission and a shutdown.

use std::error::Error;
use std::fmt;

use crate::TaskPanic;

/// Why a job has no result.
///
/// # Display and source
/// `Display` says it all, the words of the cause included. [`source`](Error::source) is therefore not that cause but what
/// lies behind it, so that a report of the whole chain says nothing twice: nothing behind a panic or an error of the
/// system.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// The job panicked. The worker that ran it lives on.
    Panicked(TaskPanic),
    /// The job was cancelled before it started; it never ran.
    Cancelled,
    /// Waiting here could never have ended, or would have run jobs inside jobs deeper than
    /// [`Builder::max_inline_depth`](crate::Builder::max_inline_depth) allows.
    ///
    /// It is the *wait* that failed. A job that was submitted stays with the pool and runs as if its handle had been
    /// dropped; the inputs of a `map` that nobody had started yet are dropped.
    WouldDeadlock,
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled => f.write_str("the task was cancelled before it could start: submit it again if it is still needed"),
            Self::WouldDeadlock => f.write_str(
                "waiting for this task on a worker of its own pool would deadlock: wait outside the pool, \
                 or raise `max_inline_depth`",
            ),
        }
    }
}

impl Error for JobError {}

/// The pool is closed; here is the job back.
pub struct SubmitError<F> {
    job: F,
}

impl<F> SubmitError<F> {
    pub(crate) fn new(job: F) -> Self {
        Self { job }
    }

    /// The job that was refused, to be run here or submitted elsewhere.
    pub fn into_job(self) -> F {
        self.job
    }
}

impl<F> fmt::Debug for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitError").finish_non_exhaustive()
    }
}

impl<F> fmt::Display for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool is closed and takes no more jobs: take the job back with `into_job`")
    }
}

impl<F> Error for SubmitError<F> {}

/// The time given to a shutdown ran out.
///
/// The workers go on by themselves: they finish what they run and what is queued, and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning {
    pub(crate) workers: usize,
    pub(crate) queued: usize,
}

impl StillRunning {
    /// How many workers had not ended.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// How many accepted jobs no worker had started on.
    pub fn queued(&self) -> usize {
        self.queued
    }
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workers, queued } = self;
        write!(
            f,
            "the time for the shutdown ran out: workers still running: {workers}, jobs still queued: {queued}; \
             they finish by themselves: allow more time to wait for them"
        )
    }
}

impl Error for StillRunning {}
