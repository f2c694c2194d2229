//! A future with a deadline.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::runtime::Runtime;

/// Awaits `future` for at most `duration`, counted from the first poll.
///
/// The future is polled before the clock is read, so one that is ready at once succeeds even with a duration of zero.
///
/// ```
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let never = std::future::pending::<()>();
/// let late = tokio_tasks::timeout(Duration::from_millis(1), never).await;
/// assert_eq!(late.unwrap_err().after(), Duration::from_millis(1));
/// # }
/// ```
///
/// # Errors
/// [`Elapsed`] when the time is up. The future has been dropped by then: what it awaited is cancelled.
///
/// # Panics
/// Outside a runtime, and in one that was built without its timer (`enable_time`). A panic of the future goes through.
///
/// # Limits
/// A future that computes or blocks without awaiting cannot be stopped: the clock is only read between two polls.
pub async fn timeout<F: Future>(duration: Duration, future: F) -> Result<F::Output, Elapsed> {
    // Only for the message: tokio's own panic does not say which call was meant.
    Runtime::current("tokio_tasks::timeout");
    tokio::time::timeout(duration, future)
        .await
        .map_err(|_| Elapsed { after: duration })
}

/// The time of a [`timeout`] was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed {
    after: Duration,
}

impl Elapsed {
    /// The time that was given.
    #[must_use]
    pub fn after(&self) -> Duration {
        self.after
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not done within {:?} and dropped: allow more time",
            self.after
        )
    }
}

impl Error for Elapsed {}
