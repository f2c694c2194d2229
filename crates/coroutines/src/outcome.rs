//! How a task can end without a value.

use std::error::Error;
use std::fmt;

use crate::TaskPanic;

/// Why a task of [`map`](crate::map), [`gather`](crate::gather) and their like has no value.
///
/// # Display and source
/// `Display` says it all, the words of the cause included. [`source`](Error::source) is therefore not that cause but what
/// lies behind it, so that a report of the whole chain says nothing twice: nothing behind a panic.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// The task panicked, or the function that makes it did.
    Panicked(TaskPanic),
    /// The task was cancelled before it had finished. Nothing in this crate cancels a task and reports it so: it is for
    /// what you build on these results, and for moving to a runtime that spawns and can be shut down.
    Cancelled,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled => f.write_str(
                "the task was cancelled before it had finished: run it again if its value is still needed",
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
