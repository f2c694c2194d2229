//! The errors of jobs, submissions, waits and shutdowns.

use std::error::Error;
use std::fmt;

use crate::initializer::InitializerError;
use crate::panic::TaskPanic;

/// The reason why a job has no result.
///
/// # Display and source
/// `Display` includes the text of the cause. To keep reports of a whole chain free of repetition,
/// [`source`](Error::source) skips that cause and returns the cause's own source, if any.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// The job panicked. Its worker continues with other jobs.
    Panicked(TaskPanic),
    /// The job was cancelled before it started, so it never ran.
    Cancelled,
    /// The wait could never have ended, or would have nested jobs deeper than
    /// [`Builder::max_inline_depth`](crate::Builder::max_inline_depth) allows.
    ///
    /// Only the *wait* failed. A submitted job still runs, as if its handle had been dropped.
    /// Inputs of a `map` that had not been started are dropped.
    WouldDeadlock,
    /// The [initializer](crate::Builder::initializer) of a worker failed, so the pool runs no more
    /// jobs, and this one never ran.
    Initializer(InitializerError),
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled => f.write_str("the job was cancelled before it started: submit it again if it is still needed"),
            Self::WouldDeadlock => f.write_str(
                "waiting for this job on a worker of its own pool would deadlock: wait outside the pool, \
                or raise `max_inline_depth`",
            ),
            Self::Initializer(cause) => write!(f, "the job never ran: {cause}"),
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

/// A refused submission: the reason, and the job itself.
pub struct SubmitError<F> {
    job: F,
    refusal: Refusal,
}

/// The reason why a pool refused a job.
///
/// `Display` and `source` follow [`JobError`](JobError#display-and-source).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// The pool is closed.
    Closed,
    /// The number of pending jobs has reached
    /// [`Builder::max_pending`](crate::Builder::max_pending), and stayed there for the whole
    /// timeout.
    Full,
    /// The [initializer](crate::Builder::initializer) of a worker failed, so the pool runs no more
    /// jobs.
    Initializer(InitializerError),
}

impl<F> SubmitError<F> {
    pub(crate) fn new(job: F, refusal: Refusal) -> Self {
        Self { job, refusal }
    }

    /// Returns the refused job, which can be run directly or submitted elsewhere.
    pub fn into_job(self) -> F {
        self.job
    }

    /// The reason for the refusal.
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
        write!(f, "{}: `into_job` returns the job", self.refusal)
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
            Self::Closed => f.write_str("the pool is closed and accepts no more jobs"),
            Self::Full => f.write_str(
                "the number of pending jobs has reached `max_pending`: call `submit`, which waits for room, or raise the bound",
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

/// The timeout elapsed before a result came. Nothing is lost: the wait can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no result came within the timeout: call again to continue waiting, or allow more time",
        )
    }
}

impl Error for TimedOut {}

/// The timeout of a shutdown elapsed.
///
/// The workers are detached: they finish the running and the queued jobs, and exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning {
    pub(crate) workers: usize,
    pub(crate) queued: usize,
}

impl StillRunning {
    /// The number of workers that had not exited.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The number of accepted jobs that no worker had taken.
    pub fn queued(&self) -> usize {
        self.queued
    }
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workers, queued } = self;
        write!(
            f,
            "the shutdown timed out (workers still running: {workers}, jobs still queued: \
            {queued}); they finish in the background: allow more time to wait for them"
        )
    }
}

impl Error for StillRunning {}
