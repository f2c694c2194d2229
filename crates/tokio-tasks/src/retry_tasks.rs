//! `RetryTasks`, the settings of tasks that are tried again.
//!
//! Several crates link this file.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::error::TaskError;
use crate::retry::Retry;
use crate::tasks::Tasks;
use crate::timed_tasks::TimedTasks;
use crate::timeout::timeout;

/// [`Tasks`] that are tried again, made by [`Tasks::retry`] or [`TimedTasks::retry`].
///
/// Each attempt gets a clone of the input and its number, from 1. An error that says how the
/// attempts ended, or that the time ran out, is a [`TaskError`] like any other.
///
/// ```
/// use std::time::Duration;
#[doc = example!(Backoff, Retry, Tasks)]
/// let results = Tasks::new()
///     .time_limit(Duration::from_secs(10))
///     .retry(Retry::new().backoff(Backoff::none()))
///     .map(["a", "b"], |name, attempt| async move {
///         match (name, attempt) {
///             ("a", 3) => Ok(name),
///             _ => Err("busy"),
///         }
///     })
///     .await;
/// assert_eq!(*results[0].as_ref().unwrap(), "a");
/// assert_eq!(
///     results[1].as_ref().unwrap_err().to_string(),
///     "the task failed after 3 attempts, the limit: allow more; the last error: busy",
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "settings do nothing until `map` or `as_completed` is called on them"]
pub struct RetryTasks {
    pub(crate) tasks: Tasks,
    time_limit: Option<Duration>,
    retry: Retry,
}

impl Tasks {
    /// Runs each task again after an error, as `retry` says.
    pub const fn retry(self, retry: Retry) -> RetryTasks {
        RetryTasks {
            tasks: self,
            time_limit: None,
            retry,
        }
    }
}

impl TimedTasks {
    /// Runs each task again after an error, as `retry` says. The time limit is for all attempts of
    /// a task together.
    pub const fn retry(self, retry: Retry) -> RetryTasks {
        RetryTasks {
            tasks: self.tasks,
            time_limit: Some(self.time_limit),
            retry,
        }
    }
}

impl RetryTasks {
    /// All attempts of one input.
    pub(crate) async fn run<I, F, Fut, T, E>(self, f: Arc<F>, input: I) -> Result<T, TaskError<E>>
    where
        I: Clone,
        F: Fn(I, usize) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let attempts = self.retry.run(move |attempt| f(input.clone(), attempt));
        let result = match self.time_limit {
            Some(time_limit) => timeout(time_limit, attempts).await?,
            None => attempts.await,
        };
        Ok(result?)
    }
}

/// The result of a task with all its attempts.
pub(crate) fn flatten<T, E>(
    result: Result<Result<T, TaskError<E>>, TaskError>,
) -> Result<T, TaskError<E>> {
    result.unwrap_or_else(|error| Err(error.widen()))
}
