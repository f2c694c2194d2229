use std::error::Error;
use std::fmt;
use std::io;

use crate::panic::TaskPanic;

/// Why a task has no result. The other tasks are not affected.
///
/// # Display and source
/// `Display` says it all, the words of the cause included. [`source`](Error::source) is therefore not that cause but what
/// lies behind it, so that a report of the whole chain says nothing twice: nothing behind a panic or an error of the
/// system.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// The task panicked.
    Panicked(TaskPanic),
    /// The deadline passed before the task could start. Its input has been dropped unused.
    NotStarted,
    /// The call was stopped before the task could start, by a [`Stop`](crate::Stop) or a failure. Its input has been
    /// dropped unused.
    Stopped,
    /// The system refused a thread while the call had none running to wait for, or all threads of the process
    /// wait for threads of nested calls. Its input has been dropped unused.
    Refused(io::Error),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::NotStarted => f.write_str("the time was up before the task could start: allow more time, or more threads at once"),
            Self::Stopped => f.write_str("the call was stopped before the task could start: run it again if it is still wanted"),
            Self::Refused(error) => write!(
                f,
                "no thread could be had for the task ({error}): use a smaller stack or run fewer threads at once"
            ),
        }
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Panicked(_) | Self::NotStarted | Self::Stopped => None,
            Self::Refused(error) => error.source(),
        }
    }
}

/// What stopped a [`try_map`](crate::Threads::try_map).
///
/// `Display` and `source` are as of [`TaskError`](crate::TaskError#display-and-source): of a task's error the words are
/// displayed, and the source is its own.
#[derive(Debug)]
#[non_exhaustive]
pub enum TryMapError<E> {
    /// The task returned an error.
    Failed {
        /// The index of the input.
        index: usize,
        /// What the task returned.
        error: E,
    },
    /// The task has no result: it panicked, or did not start.
    Task {
        /// The index of the input.
        index: usize,
        /// Why there is no result.
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

/// A setting of [`Threads`](crate::Threads) that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A thread name with a NUL byte in it, which no system takes.
    NulInName,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NulInName => "a thread name cannot contain a NUL byte: take it out of the prefix",
        })
    }
}

impl Error for ConfigError {}
