//! How offloaded work can fail.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::TaskPanic;

/// Why an offloaded call has no value.
///
/// # Display and source
/// `Display` says it all, the words of the cause included. [`source`](Error::source) is therefore not that cause but what
/// lies behind it, so that a report of the whole chain says nothing twice.
#[derive(Debug)]
#[non_exhaustive]
pub enum OffloadError {
    /// The call panicked.
    Panicked(TaskPanic),
    /// The offload was closed before the call was accepted, or its pending calls were cancelled. It never ran.
    Closed,
    /// The time given ran out.
    TimedOut {
        /// The time given.
        after: Duration,
        /// Whether the call had started. Then it runs on, and its value is lost; otherwise it never runs.
        started: bool,
    },
    /// The system refused a thread and there was none to run the call. It never ran.
    NoThread(Arc<io::Error>),
    /// It was awaited in a call of an offload, this or another, in which more calls wait for one another than it may have
    /// threads. It never ran.
    WouldDeadlock,
}

impl fmt::Display for OffloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::Closed => f.write_str(
                "the offload is closed and the call never ran: keep a handle of the offload until all calls have ended",
            ),
            Self::TimedOut { after, started } => {
                write!(f, "the call had not ended after {after:?}: ")?;
                f.write_str(if *started {
                    "it runs on, and its value is lost: allow more time"
                } else {
                    "it never ran, since all threads were busy: allow more time or more threads"
                })
            }
            Self::NoThread(error) => write!(
                f,
                "the system refused a thread ({error}) and the call never ran: lower `max_threads` or call again later"
            ),
            Self::WouldDeadlock => f.write_str(
                "more calls wait for one another than the offload may have threads: raise `max_threads`, or do not nest \
                 calls so deep",
            ),
        }
    }
}

impl Error for OffloadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoThread(error) => error.source(),
            _ => None,
        }
    }
}

/// A call that was not accepted, and why: what [`Offload::try_run`](crate::Offload::try_run) returns.
pub struct Refused<F> {
    pub(super) call: F,
    pub(super) why: Refusal,
}

/// Why a call was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// As many calls are pending as `max_pending` allows.
    Full,
    /// The offload is closed.
    Closed,
}

impl<F> Refused<F> {
    /// The call, to be made in another way or later.
    pub fn into_call(self) -> F {
        self.call
    }

    /// Why it was not accepted.
    pub fn refusal(&self) -> Refusal {
        self.why
    }
}

impl<F> fmt::Debug for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("why", &self.why)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Display for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: take the call back with `into_call`", self.why)
    }
}

impl<F> Error for Refused<F> {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => {
                "as many calls are pending as `max_pending` allows: use `run`, which waits for room, or raise it"
            }
            Self::Closed => "the offload is closed and takes no more calls",
        })
    }
}

impl Error for Refusal {}

/// Why an offload could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// No threads were asked for: no call would ever run.
    NoThreads,
    /// A minimum above the maximum was asked for.
    InvalidMinimum {
        /// The minimum asked for.
        min: usize,
        /// The maximum asked for.
        max: usize,
    },
    /// No pending calls were asked for: none could ever be made.
    NoBacklog,
    /// The name prefix contains a NUL byte, which no thread name may.
    InvalidName,
    /// The system refused one of the threads of the minimum. Those that had started end by themselves.
    Spawn(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThreads => {
                f.write_str("an offload of 0 threads runs nothing: give `max_threads` at least 1")
            }
            Self::InvalidMinimum { min, max } => write!(
                f,
                "an offload of at most {max} threads cannot keep {min}: give `min_threads` from 0 to {max}"
            ),
            Self::NoBacklog => f.write_str(
                "an offload where 0 calls may be pending takes none: give `max_pending` at least 1",
            ),
            Self::InvalidName => {
                f.write_str("a thread name cannot contain a NUL byte: take it out of the prefix")
            }
            Self::Spawn(error) => write!(
                f,
                "the system refused a thread ({error}): give a smaller `min_threads` or smaller stacks"
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

/// The time given to a shutdown ran out, or it was asked for on one of the threads that it waits for.
///
/// The threads go on by themselves: they finish what they run and what is queued, and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning {
    pub(super) threads: usize,
    pub(super) pending: usize,
}

impl StillRunning {
    /// How many threads had not ended.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// How many accepted calls had not started.
    pub fn pending(&self) -> usize {
        self.pending
    }
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { threads, pending } = self;
        write!(
            f,
            "the offload was not waited for to its end: threads still running: {threads}, calls still pending: \
             {pending}; they finish by themselves: allow more time, and wait on a thread that is not one of them"
        )
    }
}

impl Error for StillRunning {}
