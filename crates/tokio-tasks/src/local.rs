//! `map_local`: many futures inside the task of the caller.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::{FuturesUnordered, Stream};
use pin_project_lite::pin_project;

use crate::catch_unwind::CatchUnwind;
use crate::error::TaskError;
use crate::panic::catch;
use crate::poll_budget::PollBudget;
use crate::slots::Slots;
use crate::tasks::Tasks;

/// Runs `f` on every input, all at once, inside the task that awaits this. The results are in the
/// order of the inputs.
///
/// The same as [`Tasks::map_local`] without a limit.
///
/// ```
#[doc = example!(map_local)]
/// let words = vec![String::from("a"), String::from("bc")];
/// // The inputs are borrowed, as `map` does not allow.
/// let lengths = map_local(&words, async |word| word.len()).await;
/// let lengths: Vec<usize> = lengths.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(lengths, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// If the iterator panics.
pub async fn map_local<I, F, Fut>(inputs: I, f: F) -> Vec<Result<Fut::Output, TaskError>>
where
    I: IntoIterator,
    F: FnMut(I::Item) -> Fut,
    Fut: Future,
{
    Tasks::new().map_local(inputs, f).await
}

impl Tasks {
    /// Runs `f` on every input inside the task that awaits this. The results are in the order of
    /// the inputs.
    ///
    /// Nothing is spawned, so futures may borrow and need not be `Send`. They share one thread, and
    /// one that computes or blocks holds up all others. Inputs are taken one by one as the limit
    /// allows. No runtime is needed, except by the futures themselves.
    ///
    /// # Errors
    /// Each result is its own: [`TaskError::Panicked`] if the future panicked, or `f` on that
    /// input. It is never [`TaskError::Cancelled`].
    ///
    /// # Cancellation
    /// Dropping this drops all its futures at once.
    ///
    /// # Panics
    /// If the iterator panics.
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
        let limit = self.max_in_flight();
        let mut inputs = inputs.into_iter();
        let mut taken = 0;
        let mut exhausted = false;
        let mut results = Slots::reserved(inputs.size_hint());
        let mut running = FuturesUnordered::new();

        poll_fn(|cx| {
            let mut budget = PollBudget::new();
            loop {
                ready!(budget.poll_step(cx));
                if !exhausted && running.len() < limit {
                    let Some(input) = inputs.next() else {
                        exhausted = true;
                        continue;
                    };
                    match catch(|| f(input)) {
                        Ok(future) => running.push(Indexed {
                            future: CatchUnwind::new(future),
                            index: taken,
                        }),
                        Err(panic) => results.fill(taken, Err(TaskError::Panicked(panic))),
                    }
                    taken += 1;
                    continue;
                }
                match ready!(Pin::new(&mut running).poll_next(cx)) {
                    Some((index, result)) => results.fill(index, result),
                    None => return Poll::Ready(()),
                }
            }
        })
        .await;

        results.into_values()
    }
}

pin_project! {
    /// A future with the index of its input.
    struct Indexed<F> {
        #[pin]
        future: CatchUnwind<F>,
        index: usize,
    }
}

impl<F: Future> Future for Indexed<F> {
    type Output = (usize, Result<F::Output, TaskError>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.future.poll(cx)).map_err(TaskError::Panicked);
        Poll::Ready((*this.index, result))
    }
}
