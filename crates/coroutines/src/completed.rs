//! `as_completed`: results as they come.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{FusedStream, Stream};

use crate::error::TaskError;
use crate::inputs::{Inputs, StreamInputs};
use crate::poll_budget::PollBudget;
use crate::running::Running;
use crate::tasks::Tasks;

/// Runs `f` on every input, all at once. The results come as the tasks end.
///
/// The same as [`Tasks::as_completed`] without a limit.
///
/// ```
/// use std::time::Duration;
#[doc = example!(as_completed)]
/// let delays = [30, 1, 10].map(Duration::from_millis);
/// let mut completed = as_completed(delays, async |delay| {
///     async_io::Timer::after(delay).await;
/// });
/// let mut order = Vec::new();
/// while let Some((index, result)) = completed.next().await {
///     result?;
///     order.push(index);
/// }
/// assert_eq!(order, [1, 2, 0]);
/// # Ok(())
/// # }
/// ```
pub fn as_completed<I, F, Fut>(inputs: I, f: F) -> AsCompleted<I::IntoIter, F, Fut>
where
    I: IntoIterator,
    F: FnMut(I::Item) -> Fut,
    Fut: Future,
{
    Tasks::new().as_completed(inputs, f)
}

/// Runs `f` on every input of a stream, all at once. The results come as the tasks end.
///
/// The same as [`Tasks::as_completed_stream`] without a limit.
///
/// ```
/// use std::num::NonZeroUsize;
/// use futures::stream;
#[doc = example!(Tasks)]
/// let requests = stream::iter(["a", "bc"]); // or a channel, or the lines of a socket
/// let limit = NonZeroUsize::new(100).unwrap();
/// let length = async |text: &'static str| text.len();
/// let mut answers = Tasks::new().limit(limit).as_completed_stream(requests, length);
/// let mut sum = 0;
/// while let Some((_index, length)) = answers.next().await {
///     sum += length?;
/// }
/// assert_eq!(sum, 3);
/// # Ok(())
/// # }
/// ```
pub fn as_completed_stream<S, F, Fut>(inputs: S, f: F) -> AsCompleted<StreamInputs<S>, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future,
{
    Tasks::new().as_completed_stream(inputs, f)
}

impl Tasks {
    /// Runs `f` on every input. The results come as the tasks end, each with the index of its
    /// input.
    ///
    /// The tasks make progress only while the stream is polled. Nothing happens before the first
    /// poll. Inputs are taken one by one as the limit allows, so they may be endless.
    ///
    /// # Errors
    /// Each result is its own, as for [`map`](Self::map).
    ///
    /// # Cancellation
    /// Dropping the stream drops all its futures at once. Dropping a future that awaits the next
    /// result loses nothing.
    ///
    /// # Panics
    /// If the iterator panics, in the poll that called it.
    pub fn as_completed<I, F, Fut>(self, inputs: I, f: F) -> AsCompleted<I::IntoIter, F, Fut>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future,
    {
        AsCompleted::new(self, inputs.into_iter(), f)
    }

    /// [`as_completed`](Self::as_completed) over the items of a stream.
    ///
    /// The stream is polled while there is room for another task, and dropped with the results.
    ///
    /// # Panics
    /// If the stream panics, in the poll that called it.
    pub fn as_completed_stream<S, F, Fut>(
        self,
        inputs: S,
        f: F,
    ) -> AsCompleted<StreamInputs<S>, F, Fut>
    where
        S: Stream,
        F: FnMut(S::Item) -> Fut,
        Fut: Future,
    {
        AsCompleted::new(self, StreamInputs::new(inputs), f)
    }
}

/// The results of [`as_completed`] or [`as_completed_stream`]: a [`Stream`], which also has a
/// method [`next`](Self::next).
#[must_use = "a stream does nothing until it is polled"]
pub struct AsCompleted<I, F, Fut> {
    running: Running<I, F, Fut>,
    /// It lasts from poll to poll, because tasks that end at once never let a poll be pending.
    budget: PollBudget,
}

/// The futures are pinned in allocations of their own. The iterator and the function never are.
impl<I, F, Fut> Unpin for AsCompleted<I, F, Fut> {}

impl<I, F, Fut> AsCompleted<I, F, Fut>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future,
{
    fn new(tasks: Tasks, inputs: I, f: F) -> Self {
        Self {
            running: Running::new(inputs, f, tasks.max_in_flight()),
            budget: PollBudget::new(),
        }
    }

    /// The next result, with the index of its input. `None` after the last.
    ///
    /// # Cancellation
    /// Dropping the future loses no result and drops no task.
    ///
    /// # Panics
    /// If the iterator or the stream of the inputs panics.
    pub async fn next(&mut self) -> Option<(usize, Result<Fut::Output, TaskError>)> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<I, F, Fut> Stream for AsCompleted<I, F, Fut>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future,
{
    type Item = (usize, Result<Fut::Output, TaskError>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { running, budget } = &mut *self;
        running.poll_ended(cx, budget)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.running.size_hint()
    }
}

impl<I, F, Fut> FusedStream for AsCompleted<I, F, Fut>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future,
{
    fn is_terminated(&self) -> bool {
        self.running.is_done()
    }
}

impl<I, F, Fut> fmt::Debug for AsCompleted<I, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("in_flight", &self.running.in_flight())
            .finish_non_exhaustive()
    }
}
