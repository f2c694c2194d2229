//! `TimedTasks`, the settings of tasks with a time limit.
//!
//! Several crates link this file.

use std::time::Duration;

use crate::error::TaskError;
use crate::tasks::Tasks;
use crate::timeout::TimedOut;

/// [`Tasks`] with a time limit for each, made by [`Tasks::time_limit`].
///
/// ```
/// use std::time::Duration;
#[doc = example!(TaskError, Tasks)]
/// let results = Tasks::new()
///     .time_limit(Duration::from_millis(5))
///     .map([Some("answer"), None], |answer| async move {
///         match answer {
///             Some(answer) => answer,
///             None => std::future::pending().await,
///         }
///     })
///     .await;
/// assert!(matches!(results[..], [Ok("answer"), Err(TaskError::TimedOut(_))]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "settings do nothing until `map` or `as_completed` is called on them"]
pub struct TimedTasks {
    pub(crate) tasks: Tasks,
    pub(crate) time_limit: Duration,
}

impl Tasks {
    /// Bounds the time of each task, counted from its first poll.
    ///
    /// When the time runs out, the future of the task is dropped, and its result is
    /// [`TaskError::TimedOut`].
    pub const fn time_limit(self, time_limit: Duration) -> TimedTasks {
        TimedTasks {
            tasks: self,
            time_limit,
        }
    }
}

/// The result of a task with a time limit.
pub(crate) fn flatten<T>(result: Result<Result<T, TimedOut>, TaskError>) -> Result<T, TaskError> {
    result?.map_err(TaskError::TimedOut)
}
