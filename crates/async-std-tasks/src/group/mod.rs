//! Tasks that succeed or fail together.

mod error;

use std::fmt;
use std::future::{Future, poll_fn};
use std::task::{Poll, ready};

pub use error::{GroupError, TaskFailure};

use crate::TaskError;
use crate::running::Running;
use crate::runtime::Runtime;
use crate::slots::{Kept, Slots};
use crate::turn::Turn;

/// Tasks that succeed or fail together: the first failure cancels the others, and none outlives the group.
///
/// ```
/// use std::time::Duration;
/// use async_std_tasks::{TaskFailure, TaskGroup};
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
    running: Running<Result<T, E>>,
    spawned: usize,
}

impl<T: Send + 'static, E: Send + 'static> TaskGroup<T, E> {
    /// An empty group.
    pub fn new() -> Self {
        Self {
            running: Running::new(),
            spawned: 0,
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
        self.running.spawn(&runtime, self.spawned, future);
        self.spawned += 1;
    }

    /// The number of tasks that were spawned.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spawned
    }

    /// Whether no task was spawned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spawned == 0
    }

    /// Waits for all tasks; their values come in the order in which they were spawned.
    ///
    /// A failure is acted upon here: when one happens before this is called, the others are cancelled when it is.
    ///
    /// # Errors
    /// When a task fails, all others are cancelled *and awaited*, so that every future is dropped by the time this
    /// returns. The error holds every failure, also those that came after the first. Values of tasks that succeeded
    /// meanwhile are dropped, and a panic of their `Drop` is discarded. A sibling that never awaits cannot be cancelled
    /// and is waited for.
    pub async fn join_all(mut self) -> Result<Vec<T>, GroupError<E>> {
        let mut values = Slots::reserved((self.spawned, None));
        let mut failures = Kept::new();
        let mut cancelled = 0;

        poll_fn(|cx| {
            let mut turn = Turn::new();
            while self.running.len() > 0 {
                ready!(turn.poll_step(cx));
                let cancelling = !failures.is_empty();
                ready!(self.running.poll_ended(cx, |index, outcome| {
                    match (flatten(outcome), cancelling) {
                        (Ok(value), _) => values.fill(index, value),
                        (Err(TaskFailure::Cancelled), true) => cancelled += 1,
                        (Err(failure), _) => failures.push((index, failure)),
                    }
                }));
                if !cancelling && !failures.is_empty() {
                    self.running.abort_all();
                }
            }
            Poll::Ready(())
        })
        .await;

        if failures.is_empty() {
            Ok(values.into_values())
        } else {
            let failures = failures.into_vec();
            Err(GroupError::new(self.spawned, failures, cancelled))
        }
    }

    /// Cancels all tasks and waits until every future is dropped. Tells what became of each, in the order in which they
    /// were spawned: one that had ended before it could be cancelled has its own result.
    pub async fn cancel(mut self) -> Vec<Result<T, TaskFailure<E>>> {
        let mut results = Slots::reserved((self.spawned, None));
        self.running.abort_all();
        poll_fn(|cx| {
            let mut turn = Turn::new();
            while self.running.len() > 0 {
                ready!(turn.poll_step(cx));
                ready!(self.running.poll_ended(cx, |index, outcome| {
                    results.fill(index, flatten(outcome));
                }));
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

impl<T, E> fmt::Debug for TaskGroup<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("spawned", &self.spawned)
            .finish_non_exhaustive()
    }
}
