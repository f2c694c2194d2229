use std::error::Error;
use std::fmt;
use std::io;

use crate::TaskPanic;

/// Why a task has no result. The other tasks are not affected.
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
            Self::NotStarted => f.write_str("the deadline passed before the task could start"),
            Self::Refused(error) => write!(
                f,
                "no thread could be had for the task ({error}); use a smaller stack or run fewer threads at once"
            ),
        }
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Panicked(panic) => Some(panic),
            Self::NotStarted => None,
            Self::Refused(error) => Some(error),
        }
    }
}

/// A setting of [`Threads`](crate::Threads) that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A limit of 0, with which no task would ever run.
    ZeroLimit,
    /// A thread name with a NUL byte in it, which no system takes.
    NulInName,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroLimit => "a limit of 0 threads runs nothing: give at least 1, or no limit",
            Self::NulInName => "a thread name cannot contain a NUL byte: take it out of the prefix",
        })
    }
}

impl Error for ConfigError {}
