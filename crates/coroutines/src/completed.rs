//! Results as they come.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{FusedStream, Stream};

use crate::inputs::{Inputs, StreamInputs};
use crate::running::Running;
use crate::turn::Turn;
use crate::{TaskError, Tasks};

/// Runs `f` on every input, all at once, and hands out the results as the tasks end.
///
/// The same as [`Tasks::as_completed`] without a limit.
///
/// ```
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let delays = [30, 1, 10].map(Duration::from_millis);
/// let mut completed = effective_coroutines::as_completed(delays, async |delay| {
///     async_io::Timer::after(delay).await;
/// });
/// let mut order = Vec::new();
/// while let Some((index, result)) = completed.next().await {
///     result.unwrap();
///     order.push(index);
/// }
/// assert_eq!(order, [1, 2, 0]);
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

/// Runs `f` on every input of a stream, all at once, and hands out the results as the tasks end.
///
/// The same as [`Tasks::as_completed_stream`] without a limit.
///
/// ```
/// use std::num::NonZeroUsize;
/// use effective_coroutines::Tasks;
/// use futures::stream;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), effective_coroutines::TaskError> {
/// let requests = stream::iter(["a", "bc"]); // or a channel, or the lines of a socket
/// let limit = NonZeroUsize::new(100).unwrap();
/// let mut answers = Tasks::new().limit(limit).as_completed_stream(requests, async |text| text.len());
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
    /// Runs `f` on every input and hands out the results as the tasks end, each with the number of its input, counted
    /// from 0.
    ///
    /// The tasks make progress while the stream is polled, and only then. Nothing happens before the first poll, and
    /// inputs are taken one by one as the limit allows: they may be endless.
    ///
    /// # Errors
    /// Each result is its own, as of [`map`](Self::map).
    ///
    /// # Cancellation
    /// Dropping the stream drops all its futures at once; what panics then is discarded. Dropping a future that awaits
    /// the next item loses nothing.
    ///
    /// # Panics
    /// When the iterator panics, in the poll that called it.
    pub fn as_completed<I, F, Fut>(self, inputs: I, f: F) -> AsCompleted<I::IntoIter, F, Fut>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future,
    {
        AsCompleted {
            running: Running::new(inputs.into_iter(), f, self.at_once()),
            turn: Turn::new(),
        }
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
    ) -> AsCompleted<StreamInputs<S>, F, Fut>
    where
        S: Stream,
        F: FnMut(S::Item) -> Fut,
        Fut: Future,
    {
        AsCompleted {
            running: Running::new(StreamInputs::new(inputs), f, self.at_once()),
            turn: Turn::new(),
        }
    }
}

/// The results of [`as_completed`] or [`as_completed_stream`]: a [`Stream`], and [`next`](Self::next) for those who need no more.
#[must_use = "a stream does nothing until it is polled"]
pub struct AsCompleted<I, F, Fut> {
    running: Running<I, F, Fut>,
    /// Lasts from poll to poll: who loops over tasks that end at once never sees `Pending` otherwise.
    turn: Turn,
}

/// The futures are pinned in allocations of their own, and neither the iterator nor the function ever is.
impl<I, F, Fut> Unpin for AsCompleted<I, F, Fut> {}

impl<I, F, Fut> AsCompleted<I, F, Fut>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future,
{
    /// The next result, with the number of its input; `None` when all are read.
    ///
    /// # Cancellation
    /// Dropping the future loses no result, and the tasks stay where they are.
    ///
    /// # Panics
    /// When the iterator or the stream of the inputs panics.
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
        let Self { running, turn } = &mut *self;
        running.poll_ended(cx, turn)
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
            .field("under_way", &self.running.under_way())
            .finish_non_exhaustive()
    }
}
