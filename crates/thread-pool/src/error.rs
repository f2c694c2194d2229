//! What can go wrong with a job, a submission, a wait and a shutdown.

use std::error::Error;
use std::fmt;

use crate::{InitializerError, TaskPanic};

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
    /// The [initializer](crate::Builder::initializer) of a worker failed, so the pool runs no more jobs; this one never
    /// ran.
    Initializer(InitializerError),
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
            Self::Initializer(cause) => write!(f, "the task never ran: {cause}"),
        }
    }
}

impl Error for JobError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Initializer(cause) => cause.source(),
            Self::Panicked(_) | Self::Cancelled | Self::WouldDeadlock => None,
        }
    }
}

/// The pool did not take the job; here it is back, with the reason.
pub struct SubmitError<F> {
    job: F,
    refusal: Refusal,
}

/// Why a pool did not take a job.
///
/// `Display` and `source` are as of [`JobError`](JobError#display-and-source).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// The pool is closed.
    Closed,
    /// As many jobs are pending as [`Builder::max_pending`](crate::Builder::max_pending) allows, and were so for all of
    /// the time given.
    Full,
    /// The [initializer](crate::Builder::initializer) of a worker failed, so the pool runs no more jobs.
    Initializer(InitializerError),
}

impl<F> SubmitError<F> {
    pub(crate) fn new(job: F, refusal: Refusal) -> Self {
        Self { job, refusal }
    }

    /// The job that was refused, to be run here or submitted elsewhere.
    pub fn into_job(self) -> F {
        self.job
    }

    /// Why it was refused.
    pub fn refusal(&self) -> &Refusal {
        &self.refusal
    }
}

impl<F> fmt::Debug for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitError")
            .field("refusal", &self.refusal)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Display for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: take the job back with `into_job`", self.refusal)
    }
}

impl<F> Error for SubmitError<F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.refusal.source()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the pool is closed and takes no more jobs"),
            Self::Full => f.write_str(
                "as many jobs are pending as `max_pending` allows: use `submit`, which waits for room, or raise it",
            ),
            Self::Initializer(cause) => cause.fmt(f),
        }
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Initializer(cause) => cause.source(),
            Self::Closed | Self::Full => None,
        }
    }
}

/// No result came within the time given. Nothing is lost by that: the next call goes on waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no result came within the time given: call again to go on waiting, or allow more time",
        )
    }
}

impl Error for TimedOut {}

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
