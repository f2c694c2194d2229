//! One spawned task per input.

use std::future::{Future, poll_fn};
use std::task::{Poll, ready};

use crate::panic::contain;
use crate::running::Running;
use crate::runtime::Runtime;
use crate::turn::Turn;
use crate::{TaskError, Tasks, slots};

/// Runs `f` on every input, each in a task of its own, all at once; the results come in the order of the inputs.
///
/// The same as [`Tasks::map`] without a limit.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokio_tasks::TaskError> {
/// let lengths = tokio_tasks::map(["a", "bc"], |text| async move { text.len() }).await;
/// let lengths: Vec<usize> = lengths.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(lengths, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// Outside a runtime, and when the iterator panics.
pub async fn map<I, F, Fut>(inputs: I, f: F) -> Vec<Result<Fut::Output, TaskError>>
where
    I: IntoIterator,
    F: FnMut(I::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    Tasks::new().map(inputs, f).await
}

impl Tasks {
    /// Runs `f` on every input, each in a task of its own; the results come in the order of the inputs.
    ///
    /// Inputs are taken one by one, and `f` is called by the task that awaits the map, as tasks may start: with a limit,
    /// ten million inputs are never ten million tasks. Nothing happens before the first poll.
    ///
    /// # Errors
    /// Each result is its own: [`TaskError::Panicked`] when the task panicked, or `f` on that input did;
    /// [`TaskError::Cancelled`] when the runtime was shut down under it. In that case no further task is started, and
    /// the inputs that are left are consumed and counted as cancelled.
    ///
    /// # Cancellation
    /// Dropping the map aborts its tasks: the runtime drops each at the await it is suspended at, soon after. A task
    /// that is running at that moment runs on to its next await.
    ///
    /// # Panics
    /// Outside a runtime, and when the iterator panics; tasks that run by then are aborted.
    pub async fn map<I, F, Fut>(self, inputs: I, mut f: F) -> Vec<Result<Fut::Output, TaskError>>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        let runtime = Runtime::current("tokio_tasks::map");
        let at_once = self.at_once();
        let mut inputs = inputs.into_iter();
        let mut exhausted = false;
        let mut shut_down = false;
        let mut running = Running::new();
        // `None`: still running.
        let mut results = slots::reserved(inputs.size_hint());

        poll_fn(|cx| {
            let mut turn = Turn::new();
            loop {
                while !exhausted && (shut_down || running.len() < at_once) {
                    ready!(turn.poll_step(cx));
                    let Some(input) = inputs.next() else {
                        exhausted = true;
                        break;
                    };
                    if shut_down {
                        results.push(Some(Err(TaskError::Cancelled)));
                        continue;
                    }
                    match contain(|| f(input)) {
                        Ok(future) => {
                            running.spawn(&runtime, results.len(), future);
                            results.push(None);
                        }
                        Err(panic) => results.push(Some(Err(TaskError::Panicked(panic)))),
                    }
                }
                if exhausted && running.len() == 0 {
                    return Poll::Ready(());
                }
                ready!(running.poll_ended(cx, |index, outcome| {
                    shut_down |= matches!(outcome, Err(TaskError::Cancelled));
                    results[index] = Some(outcome);
                }));
            }
        })
        .await;

        slots::unwrapped(results)
    }
}
