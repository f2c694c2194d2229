//! `as_completed`: one spawned task per input, results as they come.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::{FusedStream, Stream};

use crate::error::TaskError;
use crate::fan_out::FanOut;
use crate::inputs::{Inputs, StreamInputs};
use crate::poll_budget::PollBudget;
use crate::tasks::Tasks;

/// Runs `f` on every input, each in its own task, all at once. The results come as the tasks end.
///
/// The same as [`Tasks::as_completed`] without a limit.
///
/// ```
#[doc = example!(as_completed)]
/// let mut answers = as_completed(["a", "bc"], |text| async move { text.len() });
/// let mut sum = 0;
/// while let Some((_index, length)) = answers.next().await {
///     sum += length?;
/// }
/// assert_eq!(sum, 3);
/// # Ok(())
/// # }
/// ```
pub fn as_completed<I, F, Fut>(inputs: I, f: F) -> AsCompleted<I::IntoIter, F, Fut::Output>
where
    I: IntoIterator,
    F: FnMut(I::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    Tasks::new().as_completed(inputs, f)
}

/// Runs `f` on every input of a stream, each in its own task. The results come as the tasks end.
///
/// The same as [`Tasks::as_completed_stream`] without a limit.
///
/// ```
/// use std::num::NonZeroUsize;
/// use futures::stream;
#[doc = example!(Tasks)]
/// let requests = stream::iter(["a", "bc"]); // or a channel, or the lines of a socket
/// let limit = NonZeroUsize::new(100).unwrap();
/// let length = |text: &'static str| async move { text.len() };
/// let mut answers = Tasks::new().limit(limit).as_completed_stream(requests, length);
/// let mut sum = 0;
/// while let Some((_index, length)) = answers.next().await {
///     sum += length?;
/// }
/// assert_eq!(sum, 3);
/// # Ok(())
/// # }
/// ```
pub fn as_completed_stream<S, F, Fut>(
    inputs: S,
    f: F,
) -> AsCompleted<StreamInputs<S>, F, Fut::Output>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    Tasks::new().as_completed_stream(inputs, f)
}

impl Tasks {
    /// Runs `f` on every input, each in its own task. The results come as the tasks end, each with
    /// the index of its input.
    ///
    /// Nothing happens before the first poll. From then on tasks run whether or not the stream is
    /// polled, but inputs are taken only while it is, a few between two results. The limit is for
    /// tasks and unread results together, so a slow reader slows down the start of new tasks.
    /// Without a limit, inputs that come faster than tasks end take unbounded memory: set one if
    /// the inputs are endless.
    ///
    /// # Errors
    /// Each result is its own, as for [`Tasks::map`].
    ///
    /// # Cancellation
    /// Dropping the stream aborts its tasks as [`Tasks::map`] does, and drops the unread results.
    /// Dropping the future of [`next`](AsCompleted::next) loses nothing.
    pub fn as_completed<I, F, Fut>(
        self,
        inputs: I,
        f: F,
    ) -> AsCompleted<I::IntoIter, F, Fut::Output>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        AsCompleted::new(FanOut::new(self, "as_completed", inputs.into_iter(), f))
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
    ) -> AsCompleted<StreamInputs<S>, F, Fut::Output>
    where
        S: Stream,
        F: FnMut(S::Item) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        let inputs = StreamInputs::new(inputs);
        AsCompleted::new(FanOut::new(self, "as_completed_stream", inputs, f))
    }
}

/// The results of [`as_completed`] or [`as_completed_stream`]: a [`Stream`], which also has a
/// method [`next`](Self::next).
#[must_use = "nothing starts before this is polled"]
pub struct AsCompleted<I, F, R> {
    fan_out: FanOut<I, F, R>,
    /// The unread results of tasks.
    ended: VecDeque<(usize, Result<R, TaskError>)>,
    /// It lasts from poll to poll, because a reader in a loop may never see a pending one.
    budget: PollBudget,
}

/// Nothing in it is pinned, because the runtime owns the futures.
impl<I, F, R> Unpin for AsCompleted<I, F, R> {}

impl<I, F, R> AsCompleted<I, F, R> {
    fn new(fan_out: FanOut<I, F, R>) -> Self {
        Self {
            fan_out,
            ended: VecDeque::new(),
            budget: PollBudget::new(),
        }
    }
}

impl<I, F, Fut> AsCompleted<I, F, Fut::Output>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    /// The next result, with the index of its input. `None` after the last.
    ///
    /// # Cancellation
    /// Dropping the future loses no result.
    ///
    /// # Panics
    /// Outside a runtime, and if the iterator panics.
    pub async fn next(&mut self) -> Option<(usize, Result<Fut::Output, TaskError>)> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<I, F, Fut> Stream for AsCompleted<I, F, Fut::Output>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    type Item = (usize, Result<Fut::Output, TaskError>);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self {
            fan_out,
            ended,
            budget,
        } = self.get_mut();
        if ended.is_empty() {
            let polled = fan_out.poll_ended(cx, budget, |index, result| {
                ended.push_back((index, result));
            });
            if polled.is_pending() {
                *budget = PollBudget::new();
            }
            ready!(polled);
        } else {
            // Each read makes room for a task, which starts now and not after the last read.
            ready!(budget.poll_step(cx));
            fan_out.start_beside(cx, ended.len() - 1, |index, result| {
                ended.push_back((index, result));
            });
        }
        Poll::Ready(ended.pop_front())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.fan_out.size_hint();
        let ended = self.ended.len();
        (
            least.saturating_add(ended),
            most.and_then(|most| most.checked_add(ended)),
        )
    }
}

impl<I, F, Fut> FusedStream for AsCompleted<I, F, Fut::Output>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.ended.is_empty() && self.fan_out.is_over()
    }
}

impl<I, F, R> fmt::Debug for AsCompleted<I, F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("taken", &self.fan_out.taken())
            .field("unread", &self.ended.len())
            .finish_non_exhaustive()
    }
}
