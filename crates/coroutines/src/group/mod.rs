//! Tasks that succeed or fail together.

mod error;
mod joint;
mod send;
mod spawner;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

pub use error::{GroupError, TaskFailure};
pub use send::{SendSpawner, SendTaskGroup};
pub use spawner::{GroupEnded, Spawner};

use joint::Joint;

/// A task that need not be `Send`.
pub(crate) type Task<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + 'a>>;

/// Tasks that succeed or fail together: the first failure cancels the others, and none outlives the group.
///
/// The tasks may be of different types and may borrow; they run inside the task that awaits
/// [`join_all`](Self::join_all), and not before. They add tasks to their own group by a [`Spawner`]. They need not be
/// `Send`, so the group is not: one that is awaited in a spawned task is a [`SendTaskGroup`].
///
/// ```
/// use effective_coroutines::{TaskFailure, TaskGroup};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let route = String::from("no route to host");
/// let mut group = TaskGroup::new();
/// group.spawn(std::future::pending::<Result<u32, &str>>()); // would wait for ever
/// group.spawn(async { Err(route.as_str()) });
///
/// let error = group.join_all().await.unwrap_err();
/// assert!(matches!(error.failures(), [(1, TaskFailure::Failed("no route to host"))]));
/// assert_eq!(error.cancelled(), 1);
/// # }
/// ```
///
/// # Cancellation
/// Dropping the group, or the future of [`join_all`](Self::join_all), drops its tasks at once; what panics then is
/// discarded. [`cancel`](Self::cancel) tells of it.
#[must_use = "dropping the group cancels its tasks"]
pub struct TaskGroup<'a, T, E> {
    joint: Joint<Task<'a, T, E>>,
}

impl<'a, T, E> TaskGroup<'a, T, E> {
    /// An empty group.
    pub fn new() -> Self {
        Self {
            joint: Joint::new(),
        }
    }

    /// Adds a task. Tasks are numbered from 0 in the order of these calls, and are polled first in this order.
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = Result<T, E>> + 'a,
    {
        self.joint.insert(Box::pin(future));
    }

    /// A handle by which tasks add tasks to this group, also while it is joined.
    #[must_use]
    pub fn spawner(&mut self) -> Spawner<'a, T, E> {
        Spawner(self.joint.added())
    }

    /// The number of tasks that were spawned.
    #[must_use]
    pub fn len(&self) -> usize {
        self.joint.spawned()
    }

    /// Whether no task was spawned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs all tasks to their ends, those included that are added meanwhile; their values come in the order in which they
    /// were spawned.
    ///
    /// # Errors
    /// When a task fails, all others are cancelled, and every future is dropped by the time this returns. The error holds
    /// the first failure, and the panics of those that panicked as they were dropped. Tasks that would have failed next are
    /// cancelled like the others: nothing is polled after the first failure. Values of tasks that had
    /// succeeded by then are dropped, and a panic of their `Drop` is discarded.
    pub async fn join_all(self) -> Result<Vec<T>, GroupError<E>> {
        self.joint.join_all().await
    }

    /// Drops all tasks, and tells of each, in the order in which they were spawned, that it was
    /// [cancelled](TaskFailure::Cancelled), or what it panicked with as it was dropped.
    pub async fn cancel(self) -> Vec<Result<T, TaskFailure<E>>> {
        self.joint.cancel()
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
            .field("spawned", &self.joint.spawned())
            .finish_non_exhaustive()
    }
}
