//! How a task can end without a value.

use std::error::Error;
use std::fmt;

use crate::TaskPanic;

/// Why a task has no value.
///
/// # Display and source
/// `Display` says it all, the words of the cause included. [`source`](Error::source) is therefore not that cause but what
/// lies behind it, so that a report of the whole chain says nothing twice: there is nothing behind either of these.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// The task panicked, or the function that makes it did.
    Panicked(TaskPanic),
    /// The runtime was shut down before the task had finished.
    Cancelled,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled => f.write_str(
                "the task was cancelled before it had finished, since the runtime was shut down: \
                 keep the runtime until its tasks have ended",
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
