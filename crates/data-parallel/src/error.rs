//! The errors of an item, a call and a pool.

use std::error::Error;
use std::fmt;
use std::io;

use crate::panic::TaskPanic;

/// Why an item, or a fold, of a call that can be stopped has no result.
///
/// # Display and source
/// `Display` includes the message of the cause. [`source`](Error::source) therefore skips that
/// cause and returns the cause's own source, so that a report of the whole chain repeats nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// The function panicked.
    Panicked(TaskPanic),
    /// The time ran out before the item could start or, for a fold, before all items were folded.
    TimedOut,
    /// The token was stopped before the item could start or, for a fold, before all items were
    /// folded.
    Stopped,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::TimedOut => f.write_str(
                "the time ran out before the task could start: allow more time or pass fewer items",
            ),
            Self::Stopped => f.write_str(
                "the call was stopped before the task could start: run it again if still needed",
            ),
        }
    }
}

impl Error for TaskError {}

impl From<TaskPanic> for TaskError {
    fn from(panic: TaskPanic) -> Self {
        Self::Panicked(panic)
    }
}

/// The failure that stopped a [`try_map`](crate::DataParallel::try_map).
///
/// `Display` includes the message of the function's error, and `source` is that error's own source,
/// as with [`TaskError`](crate::TaskError#display-and-source).
#[derive(Debug)]
#[non_exhaustive]
pub enum TryMapError<E> {
    /// The function returned an error.
    Failed {
        /// The index of the input.
        index: usize,
        /// The error that the function returned.
        error: E,
    },
    /// The function panicked.
    Panicked {
        /// The index of the input.
        index: usize,
        /// The panic.
        panic: TaskPanic,
    },
}

impl<E> TryMapError<E> {
    /// The index of the input that stopped the call.
    pub fn index(&self) -> usize {
        match self {
            Self::Failed { index, .. } | Self::Panicked { index, .. } => *index,
        }
    }
}

impl<E: fmt::Display> fmt::Display for TryMapError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { index, error } => write!(f, "item {index}: {error}"),
            Self::Panicked { index, panic } => write!(f, "item {index}: {panic}"),
        }
    }
}

impl<E: Error> Error for TryMapError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed { error, .. } => error.source(),
            Self::Panicked { .. } => None,
        }
    }
}

/// The maximum number of workers of one pool. More workers than cores gain nothing, and about four
/// times as many would exhaust the memory mappings of a Linux process, which aborts it.
pub const MAX_WORKERS: usize = 4_096;

/// A pool that cannot be started.
///
/// `Display` and `source` are as with [`TaskError`](crate::TaskError#display-and-source).
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// More workers than [`MAX_WORKERS`].
    TooManyWorkers(usize),
    /// The system refused a thread. The threads that had already started have ended.
    Refused(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyWorkers(n) => write!(
                f,
                "a pool has at most {MAX_WORKERS} workers, not {n}: use at most one per core"
            ),
            Self::Refused(error) => write!(
                f,
                "the system refused a worker thread ({error}): use fewer workers"
            ),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(error) => error.source(),
            Self::TooManyWorkers(_) => None,
        }
    }
}

/// No result arrived within the timeout. No result is lost: the next call waits for the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no result arrived within the timeout: ask again, nothing is lost")
    }
}

impl Error for TimedOut {}
