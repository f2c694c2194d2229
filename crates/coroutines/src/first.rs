//! The first of several futures.

use std::convert::identity;
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};

use crate::TaskError;
use crate::running::Running;
use crate::turn::Turn;

/// Awaits all futures at once until one of them ends: which one, counted from 0, and its result.
///
/// The others are cancelled: they are dropped by the time this returns, and what panics then is discarded. They are polled
/// in turns, for the first time in their order; those that come after one which is ready at once are not polled at all,
/// and stay in the iterator, which is dropped as well.
///
/// ```
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), effective_coroutines::NoFutures> {
/// let replicas = [Duration::from_secs(60), Duration::from_millis(1)];
/// let (which, answer) = effective_coroutines::first_completed(replicas.map(async |delay| {
///     async_io::Timer::after(delay).await; // a request
///     "answer"
/// }))
/// .await?;
/// assert_eq!((which, answer.unwrap()), (1, "answer"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`NoFutures`] when there are none. The result of the first is its own: [`TaskError::Panicked`] when that future
/// panicked. That ends it too: give the futures that are left to another call if a panic is not to win.
///
/// # Cancellation
/// Dropping this drops all its futures at once; what panics then is discarded.
///
/// # Panics
/// When the iterator panics.
pub async fn first_completed<I>(
    futures: I,
) -> Result<(usize, Result<<I::Item as Future>::Output, TaskError>), NoFutures>
where
    I: IntoIterator<Item: Future>,
{
    let mut running = Running::new(futures.into_iter(), identity, usize::MAX);
    let first = poll_fn(|cx| running.poll_ended(cx, &mut Turn::new())).await;
    first.ok_or(NoFutures)
}

/// [`first_completed`] was called without futures: none could ever be the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFutures;

impl fmt::Display for NoFutures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there are no futures of which one could complete first: give at least one")
    }
}

impl Error for NoFutures {}
