//! `map` and `gather`: one spawned task per input, results in order.

use std::convert::identity;
use std::future::{Future, poll_fn};
use std::task::{Poll, ready};

use futures::stream::Stream;

use crate::error::TaskError;
use crate::fan_out::FanOut;
use crate::in_order::InOrder;
use crate::inputs::{Inputs, StreamInputs};
use crate::poll_budget::PollBudget;
use crate::runtime::Runtime;
use crate::slots::Slots;
use crate::tasks::Tasks;

/// Runs `f` on every input, each in its own task, all at once. The results are in the order of the
/// inputs.
///
/// The same as [`Tasks::map`] without a limit.
///
/// ```
#[doc = example!(map)]
/// let lengths = map(["a", "bc"], |text| async move { text.len() }).await;
/// let lengths: Vec<usize> = lengths.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(lengths, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// Outside a runtime, and if the iterator panics.
pub async fn map<I, F, Fut>(inputs: I, f: F) -> Vec<Result<Fut::Output, TaskError>>
where
    I: IntoIterator,
    F: FnMut(I::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    Tasks::new().map(inputs, f).await
}

/// Runs `f` on every input of a stream, each in its own task. The results are in the order of the
/// inputs.
///
/// The same as [`Tasks::map_stream`] without a limit.
///
/// ```
/// use futures::stream;
#[doc = example!(map_stream)]
/// let words = stream::iter(["a", "bc"]); // or a channel, or the lines of a socket
/// let lengths = map_stream(words, |text| async move { text.len() }).await;
/// let lengths: Vec<usize> = lengths.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(lengths, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// Outside a runtime, and if the stream panics.
pub async fn map_stream<S, F, Fut>(inputs: S, f: F) -> Vec<Result<Fut::Output, TaskError>>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    Tasks::new().map_stream(inputs, f).await
}

/// Runs every future in its own task, all at once. The results are in the order of the futures.
///
/// The same as [`map`] over futures that exist already. With a limit:
/// `Tasks::new().limit(n).map(futures, |future| future)`.
///
/// ```
#[doc = example!(gather)]
/// let sums = gather((1..4).map(|n| async move { n + n })).await;
/// let sums: Vec<i32> = sums.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(sums, [2, 4, 6]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Each result is its own, as for [`Tasks::map`].
///
/// # Cancellation
/// Dropping this aborts its tasks, as for [`Tasks::map`].
///
/// # Panics
/// Outside a runtime, and if the iterator panics.
pub async fn gather<I>(futures: I) -> Vec<Result<<I::Item as Future>::Output, TaskError>>
where
    I: IntoIterator<Item: Future<Output: Send + 'static> + Send + 'static>,
{
    ordered(Tasks::new(), "gather", futures.into_iter(), identity).await
}

impl Tasks {
    /// Runs `f` on every input, each in its own task. The results are in the order of the inputs.
    ///
    /// The task that awaits the map takes the inputs one by one and calls `f`, as tasks may start:
    /// with a limit, ten million inputs are never ten million tasks. Nothing happens before the
    /// first poll.
    ///
    /// # Errors
    /// Each result is its own: [`TaskError::Panicked`] if the task panicked, or `f` on that input;
    /// [`TaskError::Cancelled`] if the runtime shut down. With a limit, no further task starts
    /// then, and the inputs that are left are consumed and count as cancelled.
    ///
    /// # Cancellation
    /// Dropping the map aborts its tasks: soon after, the runtime drops each at the await where it
    /// is suspended. A task that is running at that moment runs to its next await.
    ///
    /// # Panics
    /// Outside a runtime, and if the iterator panics, which aborts the tasks.
    pub async fn map<I, F, Fut>(self, inputs: I, f: F) -> Vec<Result<Fut::Output, TaskError>>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        ordered(self, "map", inputs.into_iter(), f).await
    }

    /// [`map`](Self::map) over the items of a stream.
    ///
    /// The stream is polled while there is room for another task, and dropped after its end, when
    /// all tasks have ended.
    ///
    /// # Panics
    /// Outside a runtime, and if the stream panics, which aborts the tasks.
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
    if tasks.max_in_flight() == usize::MAX {
        let mut all = InOrder::new(Runtime::current(caller), inputs, f);
        return poll_fn(|cx| all.poll(cx)).await;
    }
    let mut results = Slots::reserved(inputs.left());
    let mut fan_out = FanOut::new(tasks, caller, inputs, f);
    poll_fn(|cx| {
        let mut budget = PollBudget::new();
        while ready!(fan_out.poll_ended(cx, &mut budget, |index, result| {
            results.fill(index, result);
        })) {}
        Poll::Ready(())
    })
    .await;
    results.into_values()
}
