//! One result per input, in the order of the inputs.

use std::convert::identity;
use std::future::{Future, poll_fn};
use std::task::{Poll, ready};

use futures::stream::Stream;

use crate::inputs::{Inputs, StreamInputs};
use crate::results::Results;
use crate::running::Running;
use crate::turn::Turn;
use crate::{TaskError, Tasks};

/// Runs `f` on every input, all at once, inside the task that awaits this; the results come in the order of the inputs.
///
/// The same as [`Tasks::map`] without a limit.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), effective_coroutines::TaskError> {
/// let words = vec![String::from("a"), String::from("bc")];
/// // The inputs are borrowed, and nothing has to be `Send`.
/// let lengths = effective_coroutines::map(&words, async |word| word.len()).await;
/// let lengths: Vec<usize> = lengths.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(lengths, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// When the iterator panics.
pub async fn map<I, F, Fut>(inputs: I, f: F) -> Vec<Result<Fut::Output, TaskError>>
where
    I: IntoIterator,
    F: FnMut(I::Item) -> Fut,
    Fut: Future,
{
    Tasks::new().map(inputs, f).await
}

/// Runs `f` on every input of a stream, all at once; the results come in the order of the inputs.
///
/// The same as [`Tasks::map_stream`] without a limit.
///
/// ```
/// use futures::stream;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), effective_coroutines::TaskError> {
/// let words = stream::iter(["a", "bc"]); // or a channel, or the lines of a socket
/// let lengths = effective_coroutines::map_stream(words, async |word| word.len()).await;
/// let lengths: Vec<usize> = lengths.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(lengths, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// When the stream panics.
pub async fn map_stream<S, F, Fut>(inputs: S, f: F) -> Vec<Result<Fut::Output, TaskError>>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future,
{
    Tasks::new().map_stream(inputs, f).await
}

/// Awaits all futures at once; their results come in the order of the futures.
///
/// The futures are of one type. Where they are not, box them
/// ([`boxed_local`](futures::future::FutureExt::boxed_local)), or take a [`TaskGroup`](crate::TaskGroup).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let doubled = (0..3).map(async |n| n * 2);
/// let results = effective_coroutines::gather(doubled).await;
/// assert_eq!(results.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [0, 2, 4]);
/// # }
/// ```
///
/// # Errors, cancellation, panics
/// As of [`Tasks::map`].
pub async fn gather<I>(futures: I) -> Vec<Result<<I::Item as Future>::Output, TaskError>>
where
    I: IntoIterator<Item: Future>,
{
    Tasks::new().map(futures, identity).await
}

impl Tasks {
    /// Runs `f` on every input inside the task that awaits this; the results come in the order of the inputs.
    ///
    /// Futures may borrow and need not be `Send`, because nothing is spawned: they share one thread, and one that
    /// computes or blocks holds up all the others. Inputs are taken one by one as the limit allows, and each future is
    /// polled for the first time as soon as it is made. No runtime is needed, except by what the futures themselves do.
    ///
    /// # Errors
    /// Each result is its own: [`TaskError::Panicked`] when the future panicked, or `f` on that input did. It is never
    /// [`TaskError::Cancelled`].
    ///
    /// # Cancellation
    /// Dropping this drops all its futures at once, and the results that are there; what panics then is discarded, so that
    /// each is dropped. Inputs that were not taken are left in the iterator.
    ///
    /// # Panics
    /// When the iterator panics.
    pub async fn map<I, F, Fut>(self, inputs: I, f: F) -> Vec<Result<Fut::Output, TaskError>>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future,
    {
        ordered(self, inputs.into_iter(), f).await
    }

    /// [`map`](Self::map) of inputs that come from a stream: it is polled while there is room for another task, and
    /// dropped when its end has come and all tasks have ended.
    ///
    /// # Panics
    /// When the stream panics.
    pub async fn map_stream<S, F, Fut>(self, inputs: S, f: F) -> Vec<Result<Fut::Output, TaskError>>
    where
        S: Stream,
        F: FnMut(S::Item) -> Fut,
        Fut: Future,
    {
        ordered(self, StreamInputs::new(inputs), f).await
    }
}

async fn ordered<I, F, Fut>(tasks: Tasks, inputs: I, f: F) -> Vec<Result<Fut::Output, TaskError>>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future,
{
    let mut results = Results::reserved(inputs.left());
    let mut running = Running::new(inputs, f, tasks.at_once());
    poll_fn(|cx| {
        let mut turn = Turn::new();
        while let Some((number, outcome)) = ready!(running.poll_ended(cx, &mut turn)) {
            results.put(number, outcome);
        }
        Poll::Ready(())
    })
    .await;
    results.into_values()
}
