//! One spawned task per input, results in order.

use std::future::{Future, poll_fn};
use std::task::{Poll, ready};

use futures::stream::Stream;

use crate::fan_out::FanOut;
use crate::in_order::InOrder;
use crate::inputs::{Inputs, StreamInputs};
use crate::runtime::Runtime;
use crate::slots::Slots;
use crate::turn::Turn;
use crate::{TaskError, Tasks};

/// Runs `f` on every input, each in a task of its own, all at once; the results come in the order of the inputs.
///
/// The same as [`Tasks::map`] without a limit.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), effective_tokio_tasks::TaskError> {
/// let lengths = effective_tokio_tasks::map(["a", "bc"], |text| async move { text.len() }).await;
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

/// Runs `f` on every input of a stream, each in a task of its own; the results come in the order of the inputs.
///
/// The same as [`Tasks::map_stream`] without a limit.
///
/// ```
/// use futures::stream;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), effective_tokio_tasks::TaskError> {
/// let words = stream::iter(["a", "bc"]); // or a channel, or the lines of a socket
/// let lengths = effective_tokio_tasks::map_stream(words, |text| async move { text.len() }).await;
/// let lengths: Vec<usize> = lengths.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(lengths, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// Outside a runtime, and when the stream panics.
pub async fn map_stream<S, F, Fut>(inputs: S, f: F) -> Vec<Result<Fut::Output, TaskError>>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    Tasks::new().map_stream(inputs, f).await
}

/// Runs every future, each in a task of its own, all at once; the results come in the order of the futures.
///
/// The same as [`map`] over futures that are there already. With a limit: `Tasks::new().limit(n).map(futures, |f| f)`.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), effective_tokio_tasks::TaskError> {
/// let sums = effective_tokio_tasks::gather((1..4).map(|n| async move { n + n })).await;
/// let sums: Vec<i32> = sums.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(sums, [2, 4, 6]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Each result is its own, as with [`Tasks::map`].
///
/// # Cancellation
/// Dropping this aborts its tasks, as with [`Tasks::map`].
///
/// # Panics
/// Outside a runtime, and when the iterator panics.
pub async fn gather<I>(futures: I) -> Vec<Result<<I::Item as Future>::Output, TaskError>>
where
    I: IntoIterator<Item: Future<Output: Send + 'static> + Send + 'static>,
{
    ordered(Tasks::new(), "gather", futures.into_iter(), |future| future).await
}

impl Tasks {
    /// Runs `f` on every input, each in a task of its own; the results come in the order of the inputs.
    ///
    /// Inputs are taken one by one, and `f` is called by the task that awaits the map, as tasks may start: with a limit,
    /// ten million inputs are never ten million tasks. Nothing happens before the first poll.
    ///
    /// # Errors
    /// Each result is its own: [`TaskError::Panicked`] when the task panicked, or `f` on that input did;
    /// [`TaskError::Cancelled`] when the runtime was shut down under it. With a limit, no further task is started then,
    /// and the inputs that are left are consumed and counted as cancelled.
    ///
    /// # Cancellation
    /// Dropping the map aborts its tasks: the runtime drops each at the await it is suspended at, soon after. A task
    /// that is running at that moment runs on to its next await.
    ///
    /// # Panics
    /// Outside a runtime, and when the iterator panics; tasks that run by then are aborted.
    pub async fn map<I, F, Fut>(self, inputs: I, f: F) -> Vec<Result<Fut::Output, TaskError>>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        ordered(self, "map", inputs.into_iter(), f).await
    }

    /// [`map`](Self::map) of inputs that come from a stream: it is polled while there is room for another task, and
    /// dropped when its end has come and all tasks have ended.
    ///
    /// # Panics
    /// Outside a runtime, and when the stream panics; tasks that run by then are aborted.
    pub async fn map_stream<S, F, Fut>(self, inputs: S, f: F) -> Vec<Result<Fut::Output, TaskError>>
    where
        S: Stream,
        F: FnMut(S::Item) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        ordered(self, "map_stream", StreamInputs::new(inputs), f).await
    }
}

async fn ordered<I, F, Fut>(
    tasks: Tasks,
    caller: &'static str,
    inputs: I,
    f: F,
) -> Vec<Result<Fut::Output, TaskError>>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    if !tasks.is_limited() {
        let mut all = InOrder::new(Runtime::current(caller), inputs, f);
        return poll_fn(|cx| all.poll(cx)).await;
    }
    let mut results = Slots::reserved(inputs.left());
    let mut fan_out = FanOut::new(tasks, caller, inputs, f);
    poll_fn(|cx| {
        let mut turn = Turn::new();
        while ready!(fan_out.poll_ended(cx, &mut turn, |index, outcome| {
            results.fill(index, outcome);
        })) {}
        Poll::Ready(())
    })
    .await;
    results.into_values()
}
