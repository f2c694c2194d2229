//! `TaskGroup`, tasks that succeed or fail together.

mod members;
mod send;
mod spawner;

use std::fmt;
use std::future::Future;

pub use send::{SendSpawner, SendTaskGroup};
pub use spawner::Spawner;

use crate::error::{GroupError, TaskError};
use members::Members;
use spawner::LocalTask;

/// Tasks that succeed or fail together: the first failure cancels the others, and none outlives the
/// group.
///
/// The tasks may have different types and may borrow. They run inside the task that awaits
/// [`join_all`](Self::join_all), and not before. They add tasks to their own group through a
/// [`Spawner`]. They need not be `Send`, so the group is not: use a [`SendTaskGroup`] inside a
/// spawned task.
///
/// ```
#[doc = example!(TaskError, TaskGroup)]
/// let route = String::from("no route to host");
/// let mut group = TaskGroup::new();
/// group.spawn(std::future::pending::<Result<u32, &str>>()); // would never end
/// group.spawn(async { Err(route.as_str()) });
///
/// let error = group.join_all().await.unwrap_err();
/// assert!(matches!(error.failures(), [(1, TaskError::Failed("no route to host"))]));
/// assert_eq!(error.cancelled(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Cancellation
/// Dropping the group, or the future of [`join_all`](Self::join_all), drops its tasks at once, and
/// discards their panics. [`cancel`](Self::cancel) reports them.
#[must_use = "dropping the group cancels its tasks"]
pub struct TaskGroup<'a, T, E> {
    members: Members<LocalTask<'a, T, E>>,
}

impl<'a, T, E> TaskGroup<'a, T, E> {
    /// An empty group.
    pub fn new() -> Self {
        Self {
            members: Members::new(),
        }
    }

    /// Adds a task. Its index is the number of tasks added before it, and tasks are first polled in
    /// this order.
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = Result<T, E>> + 'a,
    {
        self.members.insert(Box::pin(future));
    }

    /// A handle by which tasks add tasks to this group, also while it is joined.
    #[must_use]
    pub fn spawner(&mut self) -> Spawner<'a, T, E> {
        Spawner(self.members.added())
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

    /// Runs all tasks to their ends, including those that are added meanwhile. Their values are in
    /// the order in which they were added.
    ///
    /// # Errors
    /// If a task fails, all others are cancelled, and every future is dropped before this returns.
    /// The error holds the first failure, and the panics of tasks that panicked as they were
    /// dropped. Nothing is polled after the first failure, so tasks that would have failed next are
    /// cancelled like the others. Values of tasks that succeeded are dropped.
    pub async fn join_all(self) -> Result<Vec<T>, GroupError<E>> {
        self.members.join_all().await
    }

    /// Drops all tasks. Returns for each, in the order in which they were added, that it was
    /// [cancelled](TaskError::Cancelled), or that it [panicked](TaskError::Panicked) as it was
    /// dropped.
    pub async fn cancel(self) -> Vec<Result<T, TaskError<E>>> {
        self.members.cancel()
    }
}

impl<T, E> Default for TaskGroup<'_, T, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E> fmt::Debug for TaskGroup<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("spawned", &self.members.spawned())
            .finish_non_exhaustive()
    }
}
