//! `TaskGroup`, tasks that succeed or fail together.

mod members;
mod spawner;

use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Poll, ready};

pub use spawner::Spawner;

use crate::error::{GroupError, TaskError};
use crate::inbox::Ended;
use crate::poll_budget::PollBudget;
use crate::runtime::Runtime;
use crate::slots::Slots;
use members::Members;

/// Tasks that succeed or fail together: the first failure cancels the others, and none outlives
/// [`join_all`](Self::join_all) or [`cancel`](Self::cancel).
///
/// Tasks add tasks to their own group through a [`Spawner`].
///
/// ```
#[doc = example!(TaskError, TaskGroup)]
/// let mut group = TaskGroup::new();
/// group.spawn(std::future::pending::<Result<u32, &str>>()); // would never end
/// group.spawn(async { Err("no route to host") });
///
/// let error = group.join_all().await.unwrap_err();
/// assert!(matches!(error.failures(), [(1, TaskError::Failed("no route to host"))]));
/// assert_eq!(error.cancelled(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Cancellation
/// Dropping the group, or the future of [`join_all`](Self::join_all), aborts its tasks without
/// waiting for them; [`cancel`](Self::cancel) waits.
#[must_use = "dropping the group cancels its tasks"]
pub struct TaskGroup<T, E> {
    members: Arc<Members<Result<T, E>>>,
    /// A buffer, empty between polls.
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

    /// Spawns a task. Its index is the number of tasks spawned before it.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let runtime = Runtime::current("TaskGroup::spawn");
        // It cannot be refused: joining or cancelling, which end a group, consume it.
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

    /// Waits for all tasks, including those that are added meanwhile. Their values are in the order
    /// in which they were spawned.
    ///
    /// A failure takes effect here: one that happens before this call cancels the others when it is
    /// made.
    ///
    /// # Errors
    /// If a task fails, all others are cancelled *and awaited*: every future is dropped before this
    /// returns. The error holds every failure, including those after the first. Values of tasks
    /// that succeeded are dropped. A task that never awaits cannot be cancelled and delays the
    /// return.
    pub async fn join_all(mut self) -> Result<Vec<T>, GroupError<E>> {
        let mut values = Slots::reserved((self.len(), None));
        let mut failures = Vec::new();
        let mut cancelled = 0;

        poll_fn(|cx| {
            let mut budget = PollBudget::new();
            while !self.members.end_if_idle() {
                ready!(budget.poll_step(cx));
                let cancelling = !failures.is_empty();
                let batch = &mut self.batch;
                ready!(self.members.poll_ended(cx, batch, |index, result| {
                    match (flatten(result), cancelling) {
                        (Ok(value), _) => values.fill(index, value),
                        (Err(TaskError::Cancelled), true) => cancelled += 1,
                        (Err(failure), _) => failures.push((index, failure)),
                    }
                }));
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
            Err(GroupError::new(self.len(), failures, cancelled))
        }
    }

    /// Cancels all tasks and waits until every future is dropped. Returns the results of all tasks
    /// in the order in which they were spawned. A task that ended before it could be cancelled has
    /// its own result.
    pub async fn cancel(mut self) -> Vec<Result<T, TaskError<E>>> {
        self.members.abort_all();
        let mut results = Slots::reserved((self.len(), None));
        poll_fn(|cx| {
            let mut budget = PollBudget::new();
            while !self.members.end_if_idle() {
                ready!(budget.poll_step(cx));
                let batch = &mut self.batch;
                ready!(self.members.poll_ended(cx, batch, |index, result| {
                    results.fill(index, flatten(result));
                }));
            }
            Poll::Ready(())
        })
        .await;
        results.into_values()
    }
}

fn flatten<T, E>(result: Result<Result<T, E>, TaskError>) -> Result<T, TaskError<E>> {
    match result {
        Ok(value) => value.map_err(TaskError::Failed),
        Err(error) => Err(error.widen()),
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
