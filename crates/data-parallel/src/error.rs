use std::error::Error;
use std::fmt;
use std::io;

use crate::TaskPanic;

/// Why an item, or a fold, that may be stopped has no result.
///
/// # Display and source
/// `Display` says it all, the words of the cause included. [`source`](Error::source) is therefore not that cause but what
/// lies behind it, so that a report of the whole chain says nothing twice: nothing behind a panic or an error of the
/// system.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// The function panicked.
    Panicked(TaskPanic),
    /// The time was up before the item could start; for a fold, before all items were folded.
    NotStarted,
    /// The token was stopped before the item could start; for a fold, before all items were folded.
    Stopped,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::NotStarted => f.write_str(
                "the time was up before the work could start: allow more time, or give fewer items",
            ),
            Self::Stopped => f.write_str(
                "the call was stopped before the work could start: run it again if it is still wanted",
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

/// What stopped a [`try_map`](crate::DataParallel::try_map).
///
/// `Display` and `source` are as of [`TaskError`](crate::TaskError#display-and-source): of a function's error the words
/// are displayed, and the source is its own.
#[derive(Debug)]
#[non_exhaustive]
pub enum TryMapError<E> {
    /// The function returned an error.
    Failed {
        /// The index of the input.
        index: usize,
        /// What the function returned.
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

/// A setting of [`DataParallel`](crate::DataParallel) that cannot work, or a pool that cannot be had.
///
/// `Display` and `source` are as of [`TaskError`](crate::TaskError#display-and-source).
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// A pool of 0 workers.
    ZeroWorkers,
    /// A pool of more than [`MAX_WORKERS`](crate::MAX_WORKERS).
    TooManyWorkers(usize),
    /// A grain of 0 items.
    ZeroGrain,
    /// A look-ahead of 0 items.
    ZeroLookAhead,
    /// The system refused a thread. Those that had started already are gone.
    Refused(io::Error),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroWorkers => f.write_str("a pool of 0 workers runs nothing: give at least 1"),
            Self::TooManyWorkers(n) => write!(
                f,
                "a pool has at most {} workers, not {n}: give as many as there are cores",
                crate::MAX_WORKERS
            ),
            Self::ZeroGrain => {
                f.write_str("a grain of 0 items splits nothing: give at least 1, or none")
            }
            Self::ZeroLookAhead => {
                f.write_str("a look-ahead of 0 items never starts one: give at least 1, or none")
            }
            Self::Refused(error) => {
                write!(
                    f,
                    "the system refused a worker thread ({error}): give fewer workers"
                )
            }
        }
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(error) => error.source(),
            Self::ZeroWorkers | Self::TooManyWorkers(_) | Self::ZeroGrain | Self::ZeroLookAhead => {
                None
            }
        }
    }
}

/// No result came within the time. Nothing is lost by that: ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no result came within the time: ask again, nothing is lost")
    }
}

impl Error for TimedOut {}
