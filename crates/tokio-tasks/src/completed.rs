//! One spawned task per input, results as they come.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::{FusedStream, Stream};

use crate::fan_out::FanOut;
use crate::inputs::{Inputs, StreamInputs};
use crate::panic::drop_contained;
use crate::turn::Turn;
use crate::{TaskError, Tasks};

/// Runs `f` on every input, each in a task of its own, all at once; the results come as the tasks end.
///
/// The same as [`Tasks::as_completed`] without a limit.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), effective_tokio_tasks::TaskError> {
/// let mut answers = effective_tokio_tasks::as_completed(["a", "bc"], |text| async move { text.len() });
/// let mut sum = 0;
/// while let Some((_which, length)) = answers.next().await {
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

/// Runs `f` on every input of a stream, each in a task of its own; the results come as the tasks end.
///
/// The same as [`Tasks::as_completed_stream`] without a limit.
///
/// ```
/// use std::num::NonZeroUsize;
/// use futures::stream::{self, StreamExt};
/// use effective_tokio_tasks::Tasks;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), effective_tokio_tasks::TaskError> {
/// let requests = stream::iter(["a", "bc"]); // or a channel, or the lines of a socket
/// let limit = NonZeroUsize::new(100).unwrap();
/// let mut answers = Tasks::new().limit(limit).as_completed_stream(requests, |text| async move { text.len() });
/// let mut sum = 0;
/// while let Some((_which, length)) = answers.next().await {
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
    /// Runs `f` on every input, each in a task of its own; the results come as the tasks end, each with the number of
    /// its input.
    ///
    /// Nothing happens before the first poll. From then on tasks run whether the stream is polled or not, but inputs are
    /// taken only while it is, some at a time between the results. The limit holds for tasks and unread results together:
    /// one who reads slowly slows down the start of new tasks. Without a limit, inputs that come faster than the tasks end
    /// take memory without a bound, so endless inputs need a limit.
    ///
    /// # Errors
    /// Each result is its own, as with [`Tasks::map`].
    ///
    /// # Cancellation
    /// Dropping the stream aborts its tasks as [`Tasks::map`] does, and drops the results that nobody has read. Dropping
    /// the future of [`next`](AsCompleted::next) loses nothing.
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

    /// [`as_completed`](Self::as_completed) of inputs that come from a stream: it is polled while there is room for
    /// another task, and dropped with the results.
    ///
    /// # Panics
    /// When the stream panics, in the poll that called it.
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

/// The results of [`as_completed`] or [`as_completed_stream`]: a [`Stream`], and [`next`](Self::next) for those who need no more.
#[must_use = "nothing starts before this is polled"]
pub struct AsCompleted<I, F, R> {
    fan_out: FanOut<I, F, R>,
    /// Taken from the tasks, and not yet read.
    ended: VecDeque<(usize, Result<R, TaskError>)>,
    /// Goes on from poll to poll, since whoever reads in a loop may never come to a pending one.
    turn: Turn,
}

/// Nothing in it is pinned: the futures are with the runtime.
impl<I, F, R> Unpin for AsCompleted<I, F, R> {}

impl<I, F, R> AsCompleted<I, F, R> {
    fn new(fan_out: FanOut<I, F, R>) -> Self {
        Self {
            fan_out,
            ended: VecDeque::new(),
            turn: Turn::new(),
        }
    }
}

impl<I, F, Fut> AsCompleted<I, F, Fut::Output>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    /// The next result, with the number of its input; `None` when all are read.
    ///
    /// # Cancellation
    /// Dropping the future loses no result.
    ///
    /// # Panics
    /// Outside a runtime, and when the iterator panics.
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
            turn,
        } = self.get_mut();
        if ended.is_empty() {
            let polled = fan_out.poll_ended(cx, turn, |index, outcome| {
                ended.push_back((index, outcome));
            });
            if polled.is_pending() {
                *turn = Turn::new();
            }
            ready!(polled);
        } else {
            // What is read makes room, and the next task should not wait until all has been read.
            ready!(turn.poll_step(cx));
            fan_out.start_beside(cx, ended.len() - 1, |index, outcome| {
                ended.push_back((index, outcome));
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

impl<I, F, R> Drop for AsCompleted<I, F, R> {
    fn drop(&mut self) {
        self.ended.drain(..).for_each(drop_contained);
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
