//! The errors of a call through a portal, and the places where a thread must not wait for one.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::offload::error::NESTED_TOO_DEEP;
use crate::panic::TaskPanic;

/// The reason why a call has no value.
///
/// # Display and source
/// `Display` includes the message of the cause, so [`source`](Error::source) is `None`.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError {
    /// The coroutine panicked, or the function that makes it did.
    Panicked(TaskPanic),
    /// The call was cancelled.
    Cancelled,
    /// The runtime, or the future of the loop, was dropped before the coroutine had ended.
    RuntimeGone,
    /// Blocking on this thread could deadlock. Nothing has blocked.
    WouldDeadlock(WouldDeadlock),
    /// The timeout of the wait expired.
    TimedOut {
        /// How long this thread waited.
        after: Duration,
        /// Whether the coroutine was polled at all. If not, its runtime is not driven, or is
        /// blocked.
        started: bool,
    },
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled => f.write_str("the call was cancelled before the coroutine had ended"),
            Self::RuntimeGone => f.write_str(
                "the runtime was dropped before the coroutine had ended: keep it until all calls have \
                 ended",
            ),
            Self::WouldDeadlock(place) => place.fmt(f),
            Self::TimedOut { after, started } => {
                write!(f, "the coroutine had not ended after {after:?}: ")?;
                f.write_str(if *started {
                    "use a longer timeout, or find out what it waits for"
                } else {
                    "the runtime never polled it; check that the runtime is driven and not blocked"
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

/// A place where a thread must not block for a coroutine, which may need that very thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WouldDeadlock {
    /// Inside a coroutine that was itself called through a portal.
    InsideCall,
    /// Inside an executor of the crate `futures`.
    FuturesExecutor,
    /// On a task of async-std.
    AsyncStdTask,
    /// In a tokio context: on a worker, in `block_on`, or on a blocking thread, which stable tokio
    /// cannot tell apart. [`Portal::allow_in_blocking_thread`] asserts that it is the last.
    ///
    /// [`Portal::allow_in_blocking_thread`]: crate::Portal::allow_in_blocking_thread
    TokioContext,
    /// In a job of an [`Offload`](crate::Offload) that is nested deeper than its `max_threads`.
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
                "blocking in a context of tokio could deadlock: await the call, wait on a thread of an \
                 `Offload`, or set `allow_in_blocking_thread` if this is a thread of `spawn_blocking`"
            }
            Self::OffloadExhausted => NESTED_TOO_DEEP,
        })
    }
}

impl Error for WouldDeadlock {}
