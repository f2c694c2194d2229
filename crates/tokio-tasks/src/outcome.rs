//! How a task can end without a value.

use std::error::Error;
use std::fmt;

use crate::TaskPanic;

/// Why a task of [`map`](crate::map) has no value.
#[derive(Debug)]
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
            Self::Cancelled => f.write_str("the task was cancelled before it had finished"),
        }
    }
}

impl Error for TaskError {}

impl From<TaskPanic> for TaskError {
    fn from(panic: TaskPanic) -> Self {
        Self::Panicked(panic)
    }
}
