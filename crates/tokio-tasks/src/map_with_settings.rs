//! `map` and `as_completed` of the settings `TimedTasks` and `RetryTasks`.

use std::future::Future;
use std::sync::Arc;

use futures::stream::{FusedStream, StreamExt};

use crate::error::TaskError;
use crate::retry_tasks::{self, RetryTasks};
use crate::timed_tasks::{self, TimedTasks};
use crate::timeout::timeout;

impl TimedTasks {
    /// [`Tasks::map`](crate::Tasks::map), with the time limit.
    ///
    /// # Errors
    /// Each result is its own: as for [`Tasks::map`](crate::Tasks::map), or
    /// [`TaskError::TimedOut`].
    ///
    /// # Panics
    /// As [`Tasks::map`](crate::Tasks::map).
    pub async fn map<I, F, Fut>(self, inputs: I, mut f: F) -> Vec<Result<Fut::Output, TaskError>>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        let timed = move |input| timeout(self.time_limit, f(input));
        let results = self.tasks.map(inputs, timed).await;
        results.into_iter().map(timed_tasks::flatten).collect()
    }

    /// [`Tasks::as_completed`](crate::Tasks::as_completed), with the time limit.
    ///
    /// # Errors
    /// Each result is its own: as for [`Tasks::map`](crate::Tasks::map), or
    /// [`TaskError::TimedOut`].
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
        results.map(|(index, result)| (index, timed_tasks::flatten(result)))
    }
}

impl RetryTasks {
    /// [`Tasks::map`](crate::Tasks::map), with all attempts of an input in one task.
    ///
    /// # Errors
    /// Each result is its own: [`TaskError::Retry`] after the last attempt, [`TaskError::TimedOut`]
    /// at the time limit, or as for [`Tasks::map`](crate::Tasks::map).
    ///
    /// # Panics
    /// As [`Tasks::map`](crate::Tasks::map).
    pub async fn map<I, F, Fut, T, E>(self, inputs: I, f: F) -> Vec<Result<T, TaskError<E>>>
    where
        I: IntoIterator<Item: Clone + Send + 'static>,
        F: Fn(I::Item, usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let f = Arc::new(f);
        let task = move |input| self.run(Arc::clone(&f), input);
        let results = self.tasks.map(inputs, task).await;
        results.into_iter().map(retry_tasks::flatten).collect()
    }

    /// [`Tasks::as_completed`](crate::Tasks::as_completed), with all attempts of an input in one
    /// task.
    ///
    /// # Errors
    /// Each result is its own, as for [`map`](Self::map).
    pub fn as_completed<I, F, Fut, T, E>(
        self,
        inputs: I,
        f: F,
    ) -> impl FusedStream<Item = (usize, Result<T, TaskError<E>>)> + Unpin
    where
        I: IntoIterator<Item: Clone + Send + 'static>,
        F: Fn(I::Item, usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let f = Arc::new(f);
        let task = move |input| self.run(Arc::clone(&f), input);
        let results = self.tasks.as_completed(inputs, task);
        results.map(|(index, result)| (index, retry_tasks::flatten(result)))
    }
}
