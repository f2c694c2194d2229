//! How a task group fails.

use std::error::Error;
use std::fmt;

use crate::TaskPanic;

/// Why one task of a group has no value.
///
/// `Display` and `source` are as of [`TaskError`](crate::TaskError#display-and-source): of a task's error the words are
/// displayed, and the source is its own.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskFailure<E> {
    /// The task returned an error.
    Failed(E),
    /// The task panicked.
    Panicked(TaskPanic),
    /// The task was cancelled: by [`TaskGroup::cancel`](crate::TaskGroup::cancel), or because the runtime was shut down.
    Cancelled,
}

impl<E: fmt::Display> fmt::Display for TaskFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled => f.write_str(
                "the task was cancelled before it had finished, by the group or since the runtime was shut down: \
                 spawn it again if its value is still needed",
            ),
        }
    }
}

impl<E: Error> Error for TaskFailure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Panicked(_) | Self::Cancelled => None,
        }
    }
}

/// How many failures are displayed.
const SHOWN: usize = 10;

/// Every failure of a [`TaskGroup`](crate::TaskGroup).
///
/// `Display` has the words of the first ten, and `source` is nothing: a chain could go on behind one of them only. Their own
/// sources are those of [`failures`](Self::failures).
#[derive(Debug)]
pub struct GroupError<E> {
    spawned: usize,
    failures: Vec<(usize, TaskFailure<E>)>,
    cancelled: usize,
}

impl<E> GroupError<E> {
    pub(super) fn new(
        spawned: usize,
        failures: Vec<(usize, TaskFailure<E>)>,
        cancelled: usize,
    ) -> Self {
        Self {
            spawned,
            failures,
            cancelled,
        }
    }

    /// The failures with the number of the task of each, in the order in which they happened: the first is the one that
    /// made the group cancel the rest. There is at least one.
    #[must_use]
    pub fn failures(&self) -> &[(usize, TaskFailure<E>)] {
        &self.failures
    }

    /// The failures, owned.
    #[must_use]
    pub fn into_failures(self) -> Vec<(usize, TaskFailure<E>)> {
        self.failures
    }

    /// How many tasks the group cancelled because of the first failure. They are not among the failures.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.cancelled
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            spawned,
            failures,
            cancelled,
        } = self;
        write!(
            f,
            "{} of {spawned} tasks failed, {cancelled} cancelled",
            failures.len()
        )?;
        for (index, failure) in failures.iter().take(SHOWN) {
            write!(f, "; task {index}: {failure}")?;
        }
        match failures.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl<E: Error> Error for GroupError<E> {}
