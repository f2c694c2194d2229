//! `TimedTasks`, the settings of tasks with a time limit.

use std::future::Future;
use std::time::Duration;

use futures::stream::{FusedStream, StreamExt};

use crate::error::TaskError;
use crate::tasks::Tasks;
use crate::timeout::{TimedOut, timeout};

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

impl TimedTasks {
    /// [`Tasks::map`], with the time limit.
    ///
    /// # Errors
    /// Each result is its own: as for [`Tasks::map`], or [`TaskError::TimedOut`].
    ///
    /// # Panics
    /// As [`Tasks::map`].
    pub async fn map<I, F, Fut>(self, inputs: I, mut f: F) -> Vec<Result<Fut::Output, TaskError>>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        let timed = move |input| timeout(self.time_limit, f(input));
        let results = self.tasks.map(inputs, timed).await;
        results.into_iter().map(flatten).collect()
    }

    /// [`Tasks::as_completed`], with the time limit.
    ///
    /// # Errors
    /// Each result is its own: as for [`Tasks::map`], or [`TaskError::TimedOut`].
    pub fn as_completed<I, F, Fut>(
        self,
        inputs: I,
        mut f: F,
    ) -> impl FusedStream<Item = (usize, Result<Fut::Output, TaskError>)> + Unpin
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        let timed = move |input| timeout(self.time_limit, f(input));
        let results = self.tasks.as_completed(inputs, timed);
        results.map(|(index, result)| (index, flatten(result)))
    }
}

fn flatten<T>(result: Result<Result<T, TimedOut>, TaskError>) -> Result<T, TaskError> {
    result?.map_err(TaskError::TimedOut)
}
