use std::error::Error;
use std::fmt;
use std::io;

use crate::TaskPanic;

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
    /// The system refused a thread while the call had none running to wait for. Its input has been dropped unused.
    Refused(io::Error),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::NotStarted => f.write_str("the time was up before the task could start: allow more time, or more threads at once"),
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
            Self::Panicked(_) | Self::NotStarted => None,
            Self::Refused(error) => error.source(),
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
