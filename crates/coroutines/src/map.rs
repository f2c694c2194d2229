//! `map` and `gather`: one result per input, in order.

use std::convert::identity;
use std::future::{Future, poll_fn};
use std::task::{Poll, ready};

use futures::stream::Stream;

use crate::error::TaskError;
use crate::inputs::{Inputs, StreamInputs};
use crate::poll_budget::PollBudget;
use crate::running::Running;
use crate::slots::Slots;
use crate::tasks::Tasks;

/// Runs `f` on every input, all at once, inside the task that awaits this. The results are in the
/// order of the inputs.
///
/// The same as [`Tasks::map`] without a limit.
///
/// ```
#[doc = example!(map)]
/// let words = vec![String::from("a"), String::from("bc")];
/// // The inputs are borrowed, and nothing has to be `Send`.
/// let lengths = map(&words, async |word| word.len()).await;
/// let lengths: Vec<usize> = lengths.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(lengths, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// If the iterator panics.
pub async fn map<I, F, Fut>(inputs: I, f: F) -> Vec<Result<Fut::Output, TaskError>>
where
    I: IntoIterator,
    F: FnMut(I::Item) -> Fut,
    Fut: Future,
{
    Tasks::new().map(inputs, f).await
}

/// Runs `f` on every input of a stream, all at once. The results are in the order of the inputs.
///
/// The same as [`Tasks::map_stream`] without a limit.
///
/// ```
/// use futures::stream;
#[doc = example!(map_stream)]
/// let words = stream::iter(["a", "bc"]); // or a channel, or the lines of a socket
/// let lengths = map_stream(words, async |word| word.len()).await;
/// let lengths: Vec<usize> = lengths.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(lengths, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// If the stream panics.
pub async fn map_stream<S, F, Fut>(inputs: S, f: F) -> Vec<Result<Fut::Output, TaskError>>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future,
{
    Tasks::new().map_stream(inputs, f).await
}

/// Awaits all futures at once. The results are in the order of the futures.
///
/// The futures have one type. If yours do not, box them
/// ([`boxed_local`](futures::future::FutureExt::boxed_local)) or use a
/// [`TaskGroup`](crate::TaskGroup).
///
/// ```
#[doc = example!(gather)]
/// let doubled = (0..3).map(async |n| n * 2);
/// let results = gather(doubled).await;
/// assert_eq!(results.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [0, 2, 4]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors, cancellation, panics
/// As for [`Tasks::map`].
pub async fn gather<I>(futures: I) -> Vec<Result<<I::Item as Future>::Output, TaskError>>
where
    I: IntoIterator<Item: Future>,
{
    Tasks::new().map(futures, identity).await
}

impl Tasks {
    /// Runs `f` on every input inside the task that awaits this. The results are in the order of
    /// the inputs.
    ///
    /// Nothing is spawned, so futures may borrow and need not be `Send`. They share one thread, and
    /// one that computes or blocks holds up all others. Inputs are taken one by one as the limit
    /// allows, and each future is polled as soon as it is made. No runtime is needed, except by the
    /// futures themselves.
    ///
    /// # Errors
    /// Each result is its own: [`TaskError::Panicked`] if the future panicked, or `f` on that
    /// input. It is never [`TaskError::Cancelled`].
    ///
    /// # Cancellation
    /// Dropping this drops all its futures at once, each of them even if others panic, and the
    /// results so far. Inputs that were not taken stay in the iterator.
    ///
    /// # Panics
    /// If the iterator panics.
    pub async fn map<I, F, Fut>(self, inputs: I, f: F) -> Vec<Result<Fut::Output, TaskError>>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future,
    {
        ordered(self, inputs.into_iter(), f).await
    }

    /// [`map`](Self::map) over the items of a stream.
    ///
    /// The stream is polled while there is room for another task, and dropped after its end, when
    /// all tasks have ended.
    ///
    /// # Panics
    /// If the stream panics.
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
    let mut results = Slots::reserved(inputs.left());
    let mut running = Running::new(inputs, f, tasks.max_in_flight());
    poll_fn(|cx| {
        let mut budget = PollBudget::new();
        while let Some((index, result)) = ready!(running.poll_ended(cx, &mut budget)) {
            results.fill(index, result);
        }
        Poll::Ready(())
    })
    .await;
    results.into_values()
}
