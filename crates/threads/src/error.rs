//! The errors of a task and of a `try_map`.

use std::error::Error;
use std::fmt;
use std::io;

use crate::panic::TaskPanic;

/// Why a task has no result. The other tasks are not affected.
///
/// # Display and source
/// `Display` includes the message of the cause. [`source`](Error::source) therefore skips that
/// cause and returns the cause's own source, so that a report of the whole chain repeats nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// The task panicked.
    Panicked(TaskPanic),
    /// The deadline passed before the task could start. Its input has been dropped unused.
    TimedOut,
    /// The call was stopped before the task could start, by a [`Stop`](crate::Stop) or a failure.
    /// Its input has been dropped unused.
    Stopped,
    /// The system refused a thread while the call had no running thread to wait for, or all threads
    /// of the process wait for threads of nested calls. The input has been dropped unused.
    Refused(io::Error),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::TimedOut => f.write_str(
                "the deadline passed before the task could start: allow more time or more threads",
            ),
            Self::Stopped => f.write_str(
                "the call was stopped before the task could start: run it again if still needed",
            ),
            Self::Refused(error) => write!(
                f,
                "no thread is available for the task ({error}): use a smaller stack or fewer \
                 threads at once"
            ),
        }
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Panicked(_) | Self::TimedOut | Self::Stopped => None,
            Self::Refused(error) => error.source(),
        }
    }
}

/// The failure that stopped a [`try_map`](crate::Threads::try_map).
///
/// `Display` includes the message of the task's error, and `source` is that error's own source, as
/// with [`TaskError`](crate::TaskError#display-and-source).
#[derive(Debug)]
#[non_exhaustive]
pub enum TryMapError<E> {
    /// The task returned an error.
    Failed {
        /// The index of the input.
        index: usize,
        /// The error that the task returned.
        error: E,
    },
    /// The task has no result: it panicked or did not start.
    Task {
        /// The index of the input.
        index: usize,
        /// The reason.
        error: TaskError,
    },
}

impl<E> TryMapError<E> {
    /// The index of the input that stopped the call.
    pub fn index(&self) -> usize {
        match self {
            Self::Failed { index, .. } | Self::Task { index, .. } => *index,
        }
    }
}

impl<E: fmt::Display> fmt::Display for TryMapError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { index, error } => write!(f, "task {index}: {error}"),
            Self::Task { index, error } => write!(f, "task {index}: {error}"),
        }
    }
}

impl<E: Error> Error for TryMapError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed { error, .. } => error.source(),
            Self::Task { error, .. } => error.source(),
        }
    }
}
