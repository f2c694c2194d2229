//! Many futures inside the caller's own task.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::{FuturesUnordered, Stream};
use pin_project_lite::pin_project;

use crate::contained::Contained;
use crate::panic::contain;
use crate::slots::Slots;
use crate::turn::Turn;
use crate::{TaskError, Tasks};

/// Runs `f` on every input, all at once, inside the task that awaits this; the results come in the order of the inputs.
///
/// The same as [`Tasks::map_local`] without a limit.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), effective_tokio_tasks::TaskError> {
/// let words = vec![String::from("a"), String::from("bc")];
/// // Borrowed inputs, which `map` cannot take.
/// let lengths = effective_tokio_tasks::map_local(&words, async |word| word.len()).await;
/// let lengths: Vec<usize> = lengths.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(lengths, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// When the iterator panics.
pub async fn map_local<I, F, Fut>(inputs: I, f: F) -> Vec<Result<Fut::Output, TaskError>>
where
    I: IntoIterator,
    F: FnMut(I::Item) -> Fut,
    Fut: Future,
{
    Tasks::new().map_local(inputs, f).await
}

impl Tasks {
    /// Runs `f` on every input inside the task that awaits this; the results come in the order of the inputs.
    ///
    /// Futures may borrow and need not be `Send`, because nothing is spawned: they share one thread, and one that
    /// computes or blocks holds up all the others. Inputs are taken one by one as the limit allows, and no runtime is
    /// needed, except by what the futures themselves do.
    ///
    /// # Errors
    /// Each result is its own: [`TaskError::Panicked`] when the future panicked, or `f` on that input did. It is never
    /// [`TaskError::Cancelled`].
    ///
    /// # Cancellation
    /// Dropping this drops all its futures at once.
    ///
    /// # Panics
    /// When the iterator panics.
    pub async fn map_local<I, F, Fut>(
        self,
        inputs: I,
        mut f: F,
    ) -> Vec<Result<Fut::Output, TaskError>>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Fut,
        Fut: Future,
    {
        let at_once = self.at_once();
        let mut inputs = inputs.into_iter();
        let mut taken = 0;
        let mut exhausted = false;
        let mut results = Slots::reserved(inputs.size_hint());
        let mut running = FuturesUnordered::new();

        poll_fn(|cx| {
            let mut turn = Turn::new();
            loop {
                ready!(turn.poll_step(cx));
                if !exhausted && running.len() < at_once {
                    let Some(input) = inputs.next() else {
                        exhausted = true;
                        continue;
                    };
                    match contain(|| f(input)) {
                        Ok(future) => running.push(Indexed {
                            future: Contained::new(future),
                            index: taken,
                        }),
                        Err(panic) => results.fill(taken, Err(TaskError::Panicked(panic))),
                    }
                    taken += 1;
                    continue;
                }
                match ready!(Pin::new(&mut running).poll_next(cx)) {
                    Some((index, outcome)) => results.fill(index, outcome),
                    None => return Poll::Ready(()),
                }
            }
        })
        .await;

        results.into_values()
    }
}

pin_project! {
    /// A contained future that knows which input it belongs to.
    struct Indexed<F> {
        #[pin]
        future: Contained<F>,
        index: usize,
    }
}

impl<F: Future> Future for Indexed<F> {
    type Output = (usize, Result<F::Output, TaskError>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = ready!(this.future.poll(cx)).map_err(TaskError::Panicked);
        Poll::Ready((*this.index, outcome))
    }
}
