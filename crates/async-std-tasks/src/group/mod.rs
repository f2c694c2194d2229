//! Tasks that succeed or fail together.

mod error;
mod members;
mod spawner;

use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Poll, ready};

pub use error::{GroupError, TaskFailure};
pub use spawner::{GroupEnded, Spawner};

use crate::TaskError;
use crate::inbox::Ended;
use crate::runtime::Runtime;
use crate::slots::{Kept, Slots};
use crate::turn::Turn;
use members::Members;

/// Tasks that succeed or fail together: the first failure cancels the others, and none outlives
/// [`join_all`](Self::join_all) or [`cancel`](Self::cancel).
///
/// Tasks add tasks to their own group by a [`Spawner`].
///
/// ```
/// use std::time::Duration;
/// use effective_async_std_tasks::{TaskFailure, TaskGroup};
///
/// # #[async_std::main]
/// # async fn main() {
/// let mut group = TaskGroup::new();
/// group.spawn(std::future::pending::<Result<u32, &str>>()); // would wait for ever
/// group.spawn(async { Err("no route to host") });
///
/// let error = group.join_all().await.unwrap_err();
/// assert!(matches!(error.failures(), [(1, TaskFailure::Failed("no route to host"))]));
/// assert_eq!(error.cancelled(), 1);
/// # }
/// ```
///
/// # Cancellation
/// Dropping the group, or the future of [`join_all`](Self::join_all), aborts its tasks without waiting for them;
/// [`cancel`](Self::cancel) also waits.
#[must_use = "dropping the group cancels its tasks"]
pub struct TaskGroup<T, E> {
    members: Arc<Members<Result<T, E>>>,
    /// A buffer.
    batch: Vec<Ended<Result<T, E>>>,
}

impl<T: Send + 'static, E: Send + 'static> TaskGroup<T, E> {
    /// An empty group.
    pub fn new() -> Self {
        Self {
            members: Arc::new(Members::new()),
            batch: Vec::new(),
        }
    }

    /// Starts a task. Tasks are numbered from 0 in the order of these calls.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let runtime = Runtime::current("TaskGroup::spawn");
        // Only a group that is being joined or cancelled has ended, and that is not here any more.
        self.members.spawn(&runtime, future);
    }

    /// A handle by which tasks add tasks to this group, also while it is joined.
    #[must_use]
    pub fn spawner(&self) -> Spawner<T, E> {
        Spawner::new(&self.members)
    }

    /// The number of tasks that were spawned.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.spawned()
    }

    /// Whether no task was spawned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits for all tasks, those included that are added meanwhile; their values come in the order in which they were
    /// spawned.
    ///
    /// A failure is acted upon here: when one happens before this is called, the others are cancelled when it is.
    ///
    /// # Errors
    /// When a task fails, all others are cancelled *and awaited*, so that every future is dropped by the time this
    /// returns. The error holds every failure, also those that came after the first. Values of tasks that succeeded
    /// meanwhile are dropped, and a panic of their `Drop` is discarded. A sibling that never awaits cannot be cancelled
    /// and is waited for.
    pub async fn join_all(mut self) -> Result<Vec<T>, GroupError<E>> {
        let mut values = Slots::reserved((self.len(), None));
        let mut failures = Kept::new();
        let mut cancelled = 0;

        poll_fn(|cx| {
            let mut turn = Turn::new();
            while !self.members.end_if_idle() {
                ready!(turn.poll_step(cx));
                let cancelling = !failures.is_empty();
                ready!(
                    self.members
                        .poll_ended(cx, &mut self.batch, |index, outcome| {
                            match (flatten(outcome), cancelling) {
                                (Ok(value), _) => values.fill(index, value),
                                (Err(TaskFailure::Cancelled), true) => cancelled += 1,
                                (Err(failure), _) => failures.push((index, failure)),
                            }
                        })
                );
                if !cancelling && !failures.is_empty() {
                    self.members.abort_all();
                }
            }
            Poll::Ready(())
        })
        .await;

        if failures.is_empty() {
            Ok(values.into_values())
        } else {
            let failures = failures.into_vec();
            Err(GroupError::new(self.len(), failures, cancelled))
        }
    }

    /// Cancels all tasks and waits until every future is dropped. Tells what became of each, in the order in which they
    /// were spawned: one that had ended before it could be cancelled has its own result.
    pub async fn cancel(mut self) -> Vec<Result<T, TaskFailure<E>>> {
        self.members.abort_all();
        let mut results = Slots::reserved((self.len(), None));
        poll_fn(|cx| {
            let mut turn = Turn::new();
            while !self.members.end_if_idle() {
                ready!(turn.poll_step(cx));
                ready!(
                    self.members
                        .poll_ended(cx, &mut self.batch, |index, outcome| {
                            results.fill(index, flatten(outcome));
                        })
                );
            }
            Poll::Ready(())
        })
        .await;
        results.into_values()
    }
}

fn flatten<T, E>(outcome: Result<Result<T, E>, TaskError>) -> Result<T, TaskFailure<E>> {
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(TaskFailure::Failed(error)),
        Err(TaskError::Panicked(panic)) => Err(TaskFailure::Panicked(panic)),
        Err(TaskError::Cancelled) => Err(TaskFailure::Cancelled),
    }
}

impl<T: Send + 'static, E: Send + 'static> Default for TaskGroup<T, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E> Drop for TaskGroup<T, E> {
    fn drop(&mut self) {
        self.members.close();
    }
}

impl<T, E> fmt::Debug for TaskGroup<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("spawned", &self.members.spawned())
            .finish_non_exhaustive()
    }
}
