//! Tasks that succeed or fail together.

mod error;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Poll, ready};

pub use error::{GroupError, TaskFailure};

use crate::TaskPanic;
use crate::results::Results;
use crate::set::Set;
use crate::turn::Turn;

type Task<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + 'a>>;

/// Tasks that succeed or fail together: the first failure cancels the others, and none outlives the group.
///
/// The tasks may be of different types and may borrow; they run inside the task that awaits
/// [`join_all`](Self::join_all), and not before.
///
/// ```
/// use coroutines::{TaskFailure, TaskGroup};
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
    tasks: Set<Task<'a, T, E>>,
    spawned: usize,
}

impl<'a, T, E> TaskGroup<'a, T, E> {
    /// An empty group.
    pub fn new() -> Self {
        Self {
            tasks: Set::new(),
            spawned: 0,
        }
    }

    /// Adds a task. Tasks are numbered from 0 in the order of these calls, and are polled first in this order.
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = Result<T, E>> + 'a,
    {
        self.tasks.insert(self.spawned, Box::pin(future));
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

    /// Runs all tasks to their ends; their values come in the order in which they were spawned.
    ///
    /// # Errors
    /// When a task fails, all others are cancelled, and every future is dropped by the time this returns. The error holds
    /// every failure: the first, and the panics of those that panicked as they were dropped. Values of tasks that had
    /// succeeded by then are dropped, and a panic of their `Drop` is discarded.
    pub async fn join_all(mut self) -> Result<Vec<T>, GroupError<E>> {
        let mut values = Results::reserved((self.spawned, None));
        let failure = poll_fn(|cx| {
            let mut turn = Turn::new();
            while self.tasks.len() > 0 {
                ready!(turn.poll_step(cx));
                let Some(place) = self.tasks.next_woken() else {
                    ready!(self.tasks.poll_woken(cx));
                    continue;
                };
                let ended = self.tasks.poll(place);
                turn.polled(ended.is_some());
                match ended {
                    None => {}
                    Some((number, Ok(Ok(value)))) => values.put(number, value),
                    Some((number, Ok(Err(error)))) => {
                        return Poll::Ready(Some((number, TaskFailure::Failed(error))));
                    }
                    Some((number, Err(panic))) => {
                        return Poll::Ready(Some((number, TaskFailure::Panicked(panic))));
                    }
                }
            }
            Poll::Ready(None)
        })
        .await;

        let Some(first) = failure else {
            return Ok(values.into_values());
        };
        let mut failures = vec![first];
        let mut cancelled = 0;
        self.tasks.clear(|number, dropped| match dropped {
            Ok(()) => cancelled += 1,
            Err(panic) => failures.push((number, TaskFailure::Panicked(panic))),
        });
        Err(GroupError::new(self.spawned, failures, cancelled))
    }

    /// Drops all tasks, and tells of each, in the order in which they were spawned, that it was
    /// [cancelled](TaskFailure::Cancelled), or what it panicked with as it was dropped.
    pub async fn cancel(mut self) -> Vec<Result<T, TaskFailure<E>>> {
        let mut results = Results::reserved((self.spawned, None));
        self.tasks.clear(|number, dropped: Result<(), TaskPanic>| {
            let failure = dropped.map_or_else(TaskFailure::Panicked, |()| TaskFailure::Cancelled);
            results.put(number, Err(failure));
        });
        results.into_values()
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
            .field("spawned", &self.spawned)
            .finish_non_exhaustive()
    }
}
