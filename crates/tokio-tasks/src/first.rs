//! Many futures of which one is enough.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::task::{Poll, ready};

use crate::fan_out::FanOut;
use crate::panic::drop_contained;
use crate::slots::Held;
use crate::turn::Turn;
use crate::{TaskError, Tasks};

/// Runs every future in a task of its own until the first has ended; tells which it was, and its result.
///
/// All are started, so there must be an end to them. The others are then cancelled *and awaited*: every future is dropped by the time this returns. One of
/// them that computes or blocks without awaiting holds it up; where that must not be, take the first of
/// [`as_completed`](crate::as_completed) and drop the rest, which waits for nobody.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use effective_tokio_tasks::first_completed;
///
/// let mirrors = [60_000, 1, 30_000].map(|millis| async move {
///     tokio::time::sleep(Duration::from_millis(millis)).await; // a request
///     millis
/// });
/// let (which, answer) = first_completed(mirrors).await?;
/// assert_eq!((which, answer?), (1, 1));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`NoFutures`] when there is none. The result of the first is its own: to panic is a way to end. The results of the
/// others are dropped, values and panics alike.
///
/// # Cancellation
/// Dropping this aborts its tasks, as with [`Tasks::map`].
///
/// # Panics
/// Outside a runtime, and when the iterator panics.
pub async fn first_completed<I>(
    futures: I,
) -> Result<(usize, Result<<I::Item as Future>::Output, TaskError>), NoFutures>
where
    I: IntoIterator<Item: Future<Output: Send + 'static> + Send + 'static>,
{
    let mut fan_out = FanOut::new(
        Tasks::new(),
        "first_completed",
        futures.into_iter(),
        |future| future,
    )
    .starting_all();
    let mut first = Held::nothing();
    poll_fn(|cx| {
        let mut turn = Turn::new();
        loop {
            let decided = first.value().is_some();
            let ended = ready!(fan_out.poll_ended(cx, &mut turn, |index, outcome| {
                if first.value().is_none() {
                    first = Held::new((index, outcome));
                } else {
                    drop_contained(outcome);
                }
            }));
            if !ended {
                return Poll::Ready(());
            }
            // Once: it goes over all tasks, and the others may arrive one by one.
            if !decided {
                fan_out.cancel();
            }
        }
    })
    .await;
    first.into_value().ok_or(NoFutures)
}

/// [`first_completed`] was given no future, so none can be the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFutures;

impl fmt::Display for NoFutures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no first of no futures: hand in at least one")
    }
}

impl Error for NoFutures {}
