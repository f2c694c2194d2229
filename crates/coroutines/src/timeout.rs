//! A future with a time limit.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use async_io::Timer;

/// Awaits `future` for at most `duration`, counted from the first poll.
///
/// The future is polled before the clock is read, so one that is ready at once succeeds even with a duration of zero. A
/// duration beyond what the clock can express is no limit.
///
/// ```
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let never = std::future::pending::<()>();
/// let late = effective_coroutines::timeout(Duration::from_millis(1), never).await;
/// assert_eq!(late.unwrap_err().after(), Duration::from_millis(1));
/// # }
/// ```
///
/// # Errors
/// [`Elapsed`] when the time is up. The future has been dropped by then: what it awaited is cancelled.
///
/// # Panics
/// A panic of the future goes through. The timers run on a thread that `async-io` starts for the whole process when the
/// first is used; if the system refuses that thread, `async-io` panics.
///
/// # Limits
/// A future that computes or blocks without awaiting cannot be stopped: the clock is only read between two polls.
pub async fn timeout<F: Future>(duration: Duration, future: F) -> Result<F::Output, Elapsed> {
    let future = pin!(future);
    within(Timer::after(duration), future)
        .await
        .ok_or(Elapsed { after: duration })
}

/// Awaits `future` until `deadline`. The same as [`timeout`], where several steps share one end.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), effective_coroutines::Elapsed> {
/// let until = Instant::now() + Duration::from_secs(60);
/// let name = effective_coroutines::deadline(until, async { "name" }).await?;
/// let size = effective_coroutines::deadline(until, async { name.len() }).await?;
/// assert_eq!(size, 4);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Elapsed`] when the deadline has passed; it tells how long that was after the first poll. A future that is ready at
/// its first poll succeeds even when the deadline had passed before.
///
/// # Panics, limits
/// As of [`timeout`].
pub async fn deadline<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    let after = deadline.saturating_duration_since(Instant::now());
    let future = pin!(future);
    within(Timer::at(deadline), future)
        .await
        .ok_or(Elapsed { after })
}

/// The value of the future, unless the timer comes first.
pub(crate) async fn within<F: Future>(
    mut timer: Timer,
    mut future: Pin<&mut F>,
) -> Option<F::Output> {
    poll_fn(|cx| {
        if let Poll::Ready(value) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(value));
        }
        Pin::new(&mut timer).poll(cx).map(|_| None)
    })
    .await
}

/// The time of a [`timeout`] or a [`deadline`] was up.
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
