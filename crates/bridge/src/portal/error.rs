//! How a call of a coroutine can fail, and where a thread must not wait for one.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::TaskPanic;

/// Why a coroutine that was called from a thread has no value.
///
/// # Display and source
/// `Display` says it all, the words of the cause included. [`source`](Error::source) is therefore not that cause but what
/// lies behind it: nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError {
    /// The coroutine panicked, or the function that makes it did.
    Panicked(TaskPanic),
    /// The call was cancelled.
    Cancelled,
    /// The runtime, or the loop's own future, was dropped before the coroutine had ended.
    RuntimeGone,
    /// Blocking here could mean to wait for oneself. Nothing has blocked.
    WouldDeadlock(WouldDeadlock),
    /// The time given to the wait ran out.
    TimedOut {
        /// For how long this thread waited.
        after: Duration,
        /// Whether the coroutine was polled at all. If not, nobody drives its runtime, or something blocks it.
        started: bool,
    },
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled => f.write_str("the call was cancelled before the coroutine had ended"),
            Self::RuntimeGone => f.write_str(
                "the runtime was dropped before the coroutine had ended: keep it until all calls have ended",
            ),
            Self::WouldDeadlock(place) => place.fmt(f),
            Self::TimedOut { after, started } => {
                write!(f, "the coroutine had not ended after {after:?}: ")?;
                f.write_str(if *started {
                    "allow more time, or look for what it waits for"
                } else {
                    "the runtime never polled it: see that somebody drives the runtime and nothing blocks it"
                })
            }
        }
    }
}

impl Error for CallError {}

impl From<WouldDeadlock> for CallError {
    fn from(place: WouldDeadlock) -> Self {
        Self::WouldDeadlock(place)
    }
}

/// Where a thread must not block for a coroutine, since it may be what the coroutine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WouldDeadlock {
    /// In a coroutine that was itself called through a portal.
    InsideCall,
    /// Inside an executor of the crate `futures`.
    FuturesExecutor,
    /// On a task of async-std.
    AsyncStdTask,
    /// In a context of tokio: on one of its workers, in `block_on`, or on one of its blocking threads, which stable tokio
    /// cannot tell apart. [`Portal::allow_in_blocking_thread`](crate::Portal::allow_in_blocking_thread) says that it is the
    /// latter.
    TokioContext,
    /// In a call of an [`Offload`](crate::Offload) in which more calls wait for one another than it may have threads.
    OffloadExhausted,
}

impl fmt::Display for WouldDeadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InsideCall => {
                "blocking inside a coroutine that a portal called could deadlock: await the call instead"
            }
            Self::FuturesExecutor => {
                "blocking inside an executor of `futures` could deadlock: await the call instead"
            }
            Self::AsyncStdTask => {
                "blocking on a task of async-std could deadlock: await the call, or wait on a thread"
            }
            Self::TokioContext => {
                "blocking in a context of tokio could deadlock: await the call, or wait on an `Offload`'s thread, or say \
                 `allow_in_blocking_thread` if this is a thread of `spawn_blocking`"
            }
            Self::OffloadExhausted => {
                "more calls wait for one another than the offload may have threads: raise `max_threads`, or do not nest \
                 calls so deep"
            }
        })
    }
}

impl Error for WouldDeadlock {}
