//! `SendTaskGroup`, a task group for `Send` tasks.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::members::{Added, Members};
use crate::error::{GroupEnded, GroupError, TaskError};

type SendTask<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// A [`TaskGroup`](crate::TaskGroup) of `Send` tasks, which may be awaited where a future has to be
/// `Send`: in `tokio::spawn`, or in the handler of a server.
///
/// The tasks still run inside the task that awaits [`join_all`](Self::join_all), all on one thread
/// at a time.
///
/// ```
#[doc = example!(SendTaskGroup)]
/// let sum = tokio::spawn(async {
///     let mut group = SendTaskGroup::new();
///     group.spawn(async { Ok::<u32, &str>(1) });
///     group.spawn(async { Ok(2) });
///     group.join_all().await.map(|values| values.iter().sum::<u32>())
/// });
/// assert_eq!(sum.await?.unwrap(), 3);
/// # Ok(())
/// # }
/// ```
///
/// # Cancellation
/// As for [`TaskGroup`](crate::TaskGroup#cancellation).
#[must_use = "dropping the group cancels its tasks"]
pub struct SendTaskGroup<'a, T, E> {
    members: Members<SendTask<'a, T, E>>,
}

impl<'a, T, E> SendTaskGroup<'a, T, E> {
    /// An empty group.
    pub fn new() -> Self {
        Self {
            members: Members::new(),
        }
    }

    /// Adds a task, as [`TaskGroup::spawn`](crate::TaskGroup::spawn) does.
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = Result<T, E>> + Send + 'a,
    {
        self.members.insert(Box::pin(future));
    }

    /// A handle by which tasks add tasks to this group, also while it is joined.
    #[must_use]
    pub fn spawner(&mut self) -> SendSpawner<'a, T, E> {
        SendSpawner(self.members.added())
    }

    /// The number of tasks that were added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.spawned()
    }

    /// Whether no task was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs all tasks to their ends, as [`TaskGroup::join_all`](crate::TaskGroup::join_all) does.
    ///
    /// # Errors
    /// As for [`TaskGroup::join_all`](crate::TaskGroup::join_all).
    pub async fn join_all(self) -> Result<Vec<T>, GroupError<E>> {
        self.members.join_all().await
    }

    /// Drops all tasks, as [`TaskGroup::cancel`](crate::TaskGroup::cancel) does.
    pub async fn cancel(self) -> Vec<Result<T, TaskError<E>>> {
        self.members.cancel()
    }
}

impl<T, E> Default for SendTaskGroup<'_, T, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E> fmt::Debug for SendTaskGroup<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendTaskGroup")
            .field("spawned", &self.members.spawned())
            .finish_non_exhaustive()
    }
}

/// A [`Spawner`](crate::Spawner) of a [`SendTaskGroup`], usable on any thread.
pub struct SendSpawner<'a, T, E>(Arc<Added<SendTask<'a, T, E>>>);

impl<'a, T, E> SendSpawner<'a, T, E> {
    /// Adds a task to the group, as [`Spawner::spawn`](crate::Spawner::spawn) does.
    ///
    /// # Errors
    /// [`GroupEnded`], as for [`Spawner::spawn`](crate::Spawner::spawn). The future is dropped.
    pub fn spawn<F>(&self, future: F) -> Result<(), GroupEnded>
    where
        F: Future<Output = Result<T, E>> + Send + 'a,
    {
        self.0.add(Box::pin(future)).map_err(|_| GroupEnded)
    }
}

impl<T, E> Clone for SendSpawner<'_, T, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T, E> fmt::Debug for SendSpawner<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSpawner").finish_non_exhaustive()
    }
}
