//! `first_completed`: the first result of many futures.

use std::convert::identity;
use std::future::{Future, poll_fn};

use crate::error::{NoFutures, TaskError};
use crate::poll_budget::PollBudget;
use crate::running::Running;

/// Awaits all futures at once until one of them ends. Returns its index and its result.
///
/// The others are cancelled: they are dropped before this returns. Futures are first polled in
/// their order. Those after one that is ready at once are not polled: they stay in the iterator,
/// which is dropped as well.
///
/// ```
/// use std::time::Duration;
#[doc = example!(first_completed)]
/// let replicas = [Duration::from_secs(60), Duration::from_millis(1)];
/// let (index, answer) = first_completed(replicas.map(async |delay| {
///     async_io::Timer::after(delay).await; // a request
///     "answer"
/// }))
/// .await?;
/// assert_eq!((index, answer?), (1, "answer"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`NoFutures`] if there are none. The result of the first future is its own:
/// [`TaskError::Panicked`] if it panicked, which ends it like a value. To ignore panics, call this
/// again with the other futures.
///
/// # Cancellation
/// Dropping this drops all its futures at once.
///
/// # Panics
/// If the iterator panics.
pub async fn first_completed<I>(
    futures: I,
) -> Result<(usize, Result<<I::Item as Future>::Output, TaskError>), NoFutures>
where
    I: IntoIterator<Item: Future>,
{
    let mut running = Running::new(futures.into_iter(), identity, usize::MAX);
    let first = poll_fn(|cx| running.poll_ended(cx, &mut PollBudget::new())).await;
    first.ok_or(NoFutures)
}
