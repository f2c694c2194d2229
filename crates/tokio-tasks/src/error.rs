//! The errors of tasks and task groups.
//!
//! Several crates link this file.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use crate::panic::TaskPanic;
use crate::retry::error::RetryError;
use crate::timeout::TimedOut;

/// Why a task has no value.
///
/// `E` is the error that the task itself returns, in a [`TaskGroup`](crate::TaskGroup) or with
/// [`Tasks::retry`](crate::Tasks::retry). Other calls hand through whatever a task returns, so
/// their tasks cannot fail in this way.
///
/// # Display and source
/// `Display` includes the message of the cause. [`source`](Error::source) is therefore what lies
/// behind that cause, so a report of the whole chain repeats nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError<E = Infallible> {
    /// The task returned an error.
    Failed(E),
    /// Every attempt of the task failed.
    Retry(Box<RetryError<E>>),
    /// The task reached its time limit.
    TimedOut(TimedOut),
    /// The task panicked, or the function that makes it did.
    Panicked(TaskPanic),
    /// The task was cancelled before it finished: by its group, or by the shutdown of its runtime
    /// if that can shut down.
    Cancelled,
}

impl<E: fmt::Display> fmt::Display for TaskError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Retry(error) => write!(f, "the task {error}"),
            Self::TimedOut(late) => write!(f, "the task {late}"),
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled => f.write_str(
                "the task was cancelled before it finished: run it again if its value is still needed",
            ),
        }
    }
}

impl<E: Error> Error for TaskError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Retry(error) => error.source(),
            Self::TimedOut(_) | Self::Panicked(_) | Self::Cancelled => None,
        }
    }
}

impl<E> From<TaskPanic> for TaskError<E> {
    fn from(panic: TaskPanic) -> Self {
        Self::Panicked(panic)
    }
}

impl<E> From<TimedOut> for TaskError<E> {
    fn from(late: TimedOut) -> Self {
        Self::TimedOut(late)
    }
}

impl<E> From<RetryError<E>> for TaskError<E> {
    fn from(error: RetryError<E>) -> Self {
        Self::Retry(Box::new(error))
    }
}

impl TaskError {
    /// The same error where a task may also fail by itself.
    pub(crate) fn widen<E>(self) -> TaskError<E> {
        match self {
            Self::Failed(never) => match never {},
            Self::Retry(error) => TaskError::Retry(Box::new(error.widen())),
            Self::TimedOut(late) => TaskError::TimedOut(late),
            Self::Panicked(panic) => TaskError::Panicked(panic),
            Self::Cancelled => TaskError::Cancelled,
        }
    }
}

/// The number of failures that `Display` shows.
const SHOWN: usize = 10;

/// Every failure of a [`TaskGroup`](crate::TaskGroup).
///
/// `Display` shows the first ten, and `source` is `None`, because a chain could follow only one of
/// them. The failures in [`failures`](Self::failures) have sources of their own.
#[derive(Debug)]
pub struct GroupError<E> {
    spawned: usize,
    failures: Vec<(usize, TaskError<E>)>,
    cancelled: usize,
}

impl<E> GroupError<E> {
    pub(crate) fn new(
        spawned: usize,
        failures: Vec<(usize, TaskError<E>)>,
        cancelled: usize,
    ) -> Self {
        Self {
            spawned,
            failures,
            cancelled,
        }
    }

    /// The failures, each with the index of its task.
    ///
    /// The first one made the group cancel the rest. The others happened before the cancellation
    /// took effect, or are panics of tasks that were cancelled. There is at least one.
    #[must_use]
    pub fn failures(&self) -> &[(usize, TaskError<E>)] {
        &self.failures
    }

    /// The failures, owned.
    #[must_use]
    pub fn into_failures(self) -> Vec<(usize, TaskError<E>)> {
        self.failures
    }

    /// The number of tasks that the group cancelled after the first failure. They are not among
    /// the failures.
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

/// A task was not added to its group, because the group had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupEnded;

impl fmt::Display for GroupEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the group has ended, after a failure, a cancellation or the end of its last task: \
             spawn into it only from its own tasks or before it is joined",
        )
    }
}

impl Error for GroupEnded {}

/// [`first_completed`](crate::first_completed) was called without futures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFutures;

impl fmt::Display for NoFutures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no future can complete first, because there are none: pass at least one")
    }
}

impl Error for NoFutures {}
