//! The errors of an `Offload`.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::panic::TaskPanic;

/// The reason why an offloaded job has no result.
///
/// # Display and source
/// `Display` includes the message of the cause. [`source`](Error::source) therefore skips that
/// cause and returns what lies behind it, so that a report of the whole chain repeats nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum OffloadError {
    /// The job panicked.
    Panicked(TaskPanic),
    /// The offload was closed before it accepted the job, or cancelled its pending jobs. The job
    /// never ran.
    Closed,
    /// The timeout expired.
    TimedOut {
        /// The timeout.
        after: Duration,
        /// Whether the job had started. A started job keeps running and its result is lost; one
        /// that had not started never runs.
        started: bool,
    },
    /// The system refused a thread, and no other thread was there to run the job. It never ran.
    NoThread(Arc<io::Error>),
    /// The job was awaited inside jobs of an offload (this one or another) that are nested deeper
    /// than its `max_threads`. It never ran.
    WouldDeadlock,
}

impl fmt::Display for OffloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::Closed => f.write_str(
                "the offload is closed and the job never ran: keep a handle of the offload until all \
                 jobs have finished",
            ),
            Self::TimedOut { after, started } => {
                write!(f, "the job had not finished after {after:?}: ")?;
                f.write_str(if *started {
                    "it keeps running and its result is lost; use a longer timeout"
                } else {
                    "it never ran because all threads were busy; use a longer timeout or more threads"
                })
            }
            Self::NoThread(error) => write!(
                f,
                "the system refused a thread ({error}) and the job never ran: lower `max_threads`, or \
                 retry later"
            ),
            Self::WouldDeadlock => f.write_str(NESTED_TOO_DEEP),
        }
    }
}

/// The message of both `WouldDeadlock` errors that exceed `max_threads`.
pub(crate) const NESTED_TOO_DEEP: &str = "jobs that wait for one another are nested deeper than \
     `max_threads` of their offload: raise it, or nest less";

impl Error for OffloadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoThread(error) => error.source(),
            _ => None,
        }
    }
}

/// A job that was not accepted, and the reason; see [`Offload::try_run`](crate::Offload::try_run).
pub struct Refused<F> {
    pub(super) job: F,
    pub(super) reason: Refusal,
}

/// The reason why a job was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// `max_pending` jobs are pending.
    Full,
    /// The offload is closed.
    Closed,
}

impl<F> Refused<F> {
    /// Returns the job, to run it in another way or later.
    pub fn into_job(self) -> F {
        self.job
    }

    /// Returns the reason.
    pub fn refusal(&self) -> Refusal {
        self.reason
    }
}

impl<F> fmt::Debug for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Display for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; `into_job` returns the job", self.reason)
    }
}

impl<F> Error for Refused<F> {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => {
                "`max_pending` jobs are pending: raise it, or use `run`, which waits for room"
            }
            Self::Closed => "the offload is closed and accepts no more jobs",
        })
    }
}

impl Error for Refusal {}

/// The reason why an offload could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// `max_threads` is 0: no job would ever run.
    NoThreads,
    /// `min_threads` is greater than `max_threads`.
    InvalidMinimum {
        /// The minimum.
        min: usize,
        /// The maximum.
        max: usize,
    },
    /// `max_pending` is 0: no job would ever be accepted.
    NoPending,
    /// The name prefix contains a NUL byte.
    InvalidName,
    /// The system refused one of the first `min_threads` threads. Those that had started exit.
    Spawn(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThreads => f.write_str(
                "an offload with 0 threads runs nothing: `max_threads` must be at least 1",
            ),
            Self::InvalidMinimum { min, max } => write!(
                f,
                "an offload with at most {max} threads cannot keep {min}: `min_threads` must be from \
                 0 to {max}"
            ),
            Self::NoPending => f.write_str(
                "an offload with room for 0 pending jobs accepts none: `max_pending` must be at \
                 least 1",
            ),
            Self::InvalidName => {
                f.write_str("a thread name cannot contain a NUL byte: remove it from `name_prefix`")
            }
            Self::Spawn(error) => write!(
                f,
                "the system refused a thread ({error}): lower `min_threads` or `stack_size`"
            ),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Spawn(error) => error.source(),
            _ => None,
        }
    }
}

/// A shutdown did not finish: the timeout expired, or it was called on one of the threads that it
/// waits for.
///
/// The threads keep running until they have finished all accepted jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning {
    pub(super) threads: usize,
    pub(super) pending: usize,
}

impl StillRunning {
    /// Returns the number of threads that had not exited.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Returns the number of accepted jobs that had not started.
    pub fn pending(&self) -> usize {
        self.pending
    }
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { threads, pending } = self;
        write!(
            f,
            "the shutdown did not finish ({threads} threads still running, {pending} jobs still \
             pending): use a longer timeout, and do not call it on a thread of the offload"
        )
    }
}

impl Error for StillRunning {}
