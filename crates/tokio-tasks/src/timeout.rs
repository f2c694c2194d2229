//! `timeout` and `deadline`, which bound the time of a future.
//!
//! Several crates link this file.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::runtime;

/// Awaits `future` for at most `timeout`, counted from the first poll.
///
/// The future is polled before the clock is read, so one that is ready at once succeeds even with a
/// timeout of zero. A timeout too long for the clock is no limit.
///
/// ```
/// use std::time::Duration;
#[doc = example!(timeout)]
/// let never = std::future::pending::<()>();
/// let late = timeout(Duration::from_millis(1), never).await;
/// assert_eq!(late.unwrap_err().after(), Duration::from_millis(1));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`TimedOut`] if the future has not ended in time. It has been dropped by then, which cancels
/// what it awaited.
///
/// # Panics
/// If the future panics. If the runtime's timer is unavailable; the message says what is missing.
///
/// # Limits
/// A future that computes or blocks without awaiting cannot be stopped, because the clock is read
/// only between two polls.
pub fn timeout<F: Future>(
    timeout: Duration,
    future: F,
) -> impl Future<Output = Result<F::Output, TimedOut>> {
    Timed::new(future, move || {
        (timeout, runtime::sleep("timeout", timeout))
    })
}

/// Awaits `future` until `deadline`. Like [`timeout`], where several steps share one end.
///
/// Even after the deadline the future is polled once.
///
/// ```
/// use std::time::{Duration, Instant};
#[doc = example!(deadline)]
/// // Two steps that share five seconds.
/// let end = Instant::now() + Duration::from_secs(5);
/// let head = deadline(end, async { "head" }).await?;
/// let body = deadline(end, async { "body" }).await?;
/// assert_eq!((head, body), ("head", "body"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`TimedOut`], as for [`timeout`]. Its [`after`](TimedOut::after) is the time that was left at
/// the first poll.
///
/// # Panics
/// As for [`timeout`].
pub fn deadline<F: Future>(
    deadline: Instant,
    future: F,
) -> impl Future<Output = Result<F::Output, TimedOut>> {
    Timed::new(future, move || {
        let left = deadline.saturating_duration_since(runtime::now());
        (left, runtime::sleep("deadline", left))
    })
}

pin_project! {
    /// A future and a timer, which is made at the first poll.
    struct Timed<F, M, S> {
        // `None` after the time ran out.
        #[pin]
        future: Option<F>,
        make: M,
        after: Duration,
        #[pin]
        sleep: Option<S>,
    }
}

impl<F, M, S> Timed<F, M, S>
where
    F: Future,
    M: FnMut() -> (Duration, S),
    S: Future<Output = ()>,
{
    fn new(future: F, make: M) -> Self {
        Self {
            future: Some(future),
            make,
            after: Duration::ZERO,
            sleep: None,
        }
    }
}

impl<F, M, S> Future for Timed<F, M, S>
where
    F: Future,
    M: FnMut() -> (Duration, S),
    S: Future<Output = ()>,
{
    type Output = Result<F::Output, TimedOut>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.sleep.is_none() {
            let (after, sleep) = (this.make)();
            *this.after = after;
            this.sleep.set(Some(sleep));
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        if let Poll::Ready(value) = future.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.poll(cx));
        }
        this.future.set(None);
        Poll::Ready(Err(TimedOut { after: *this.after }))
    }
}

/// The time of a [`timeout`], a [`deadline`] or a task ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    after: Duration,
}

impl TimedOut {
    /// The time that was allowed.
    #[must_use]
    pub fn after(&self) -> Duration {
        self.after
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timed out after {:?}: allow more time", self.after)
    }
}

impl Error for TimedOut {}
