//! `first_completed`: the first result of many futures.

use std::convert::identity;
use std::future::{Future, poll_fn};
use std::task::{Poll, ready};

use crate::error::{NoFutures, TaskError};
use crate::fan_out::FanOut;
use crate::panic::drop_quietly;
use crate::poll_budget::PollBudget;
use crate::tasks::Tasks;

/// Runs every future in its own task until the first has ended. Returns its index and its result.
///
/// All futures are started, so the iterator must end. The others are then cancelled *and awaited*:
/// every future is dropped before this returns. One that computes or blocks without awaiting delays
/// it. If that is a problem, take the first of [`as_completed`](crate::as_completed) and drop the
/// rest, which does not wait.
///
/// ```
#[doc = example!(first_completed)]
/// let mirrors = [1, 2, 3].map(|mirror| async move {
///     if mirror != 2 {
///         std::future::pending::<()>().await; // a server that does not answer
///     }
///     mirror
/// });
/// let (index, answer) = first_completed(mirrors).await?;
/// assert_eq!((index, answer?), (1, 2));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`NoFutures`] if there are none. The result of the first future is its own, and a future that
/// panics has ended. The results of the others are dropped, values and panics alike.
///
/// # Cancellation
/// Dropping this aborts its tasks, as for [`Tasks::map`].
///
/// # Panics
/// Outside a runtime, and if the iterator panics.
pub async fn first_completed<I>(
    futures: I,
) -> Result<(usize, Result<<I::Item as Future>::Output, TaskError>), NoFutures>
where
    I: IntoIterator<Item: Future<Output: Send + 'static> + Send + 'static>,
{
    let futures = futures.into_iter();
    let mut fan_out =
        FanOut::new(Tasks::new(), "first_completed", futures, identity).starting_all();
    let mut first = None;
    poll_fn(|cx| {
        let mut budget = PollBudget::new();
        loop {
            let decided = first.is_some();
            let ended = ready!(fan_out.poll_ended(cx, &mut budget, |index, result| {
                match first {
                    None => first = Some((index, result)),
                    // A panic here would lose the first result.
                    Some(_) => drop_quietly(result),
                }
            }));
            if !ended {
                return Poll::Ready(());
            }
            // Only once, because it visits all tasks, and the others may arrive one by one.
            if !decided {
                fan_out.cancel();
            }
        }
    })
    .await;
    first.ok_or(NoFutures)
}
