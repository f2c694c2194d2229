//! A future with an end to its time.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::panic::contain;
use crate::runtime;

/// Awaits `future` for at most `duration`, counted from the first poll.
///
/// The future is polled before the clock is read, so one that is ready at once succeeds even with a duration of zero.
///
/// ```
/// use std::time::Duration;
///
/// # #[tokio::main]
/// # async fn main() {
/// let never = std::future::pending::<()>();
/// let late = effective_tokio_tasks::timeout(Duration::from_millis(1), never).await;
/// assert_eq!(late.unwrap_err().after(), Duration::from_millis(1));
/// # }
/// ```
///
/// # Errors
/// [`Elapsed`] when the time is up. The future has been dropped by then: what it awaited is cancelled. A panic of that
/// `Drop` is discarded.
///
/// # Panics
/// Where no timer runs, with a message that says what is missing. A panic of the future itself goes through.
///
/// # Limits
/// A future that computes or blocks without awaiting cannot be stopped: the clock is only read between two polls.
pub fn timeout<F: Future>(
    duration: Duration,
    future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    Timed::new(future, move || {
        (duration, runtime::sleep("timeout", duration))
    })
}

/// Awaits `future` until `deadline` at the latest.
///
/// What is said of [`timeout`] holds here too: even a deadline in the past leaves the future one poll.
///
/// ```
/// use std::time::{Duration, Instant};
/// use effective_tokio_tasks::{deadline, timeout};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), effective_tokio_tasks::Elapsed> {
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
/// [`Elapsed`], as of [`timeout`]; its [`after`](Elapsed::after) is the time that was left at the first poll.
///
/// # Panics
/// As [`timeout`].
pub fn deadline<F: Future>(
    deadline: Instant,
    future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    Timed::new(future, move || {
        let left = deadline.saturating_duration_since(runtime::now());
        (left, runtime::sleep("deadline", left))
    })
}

pin_project! {
    /// A future beside a timer that is made at the first poll.
    struct Timed<F, M, S> {
        // `None`: out of time, and dropped.
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
    type Output = Result<F::Output, Elapsed>;

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
        drop(contain(|| this.future.set(None)));
        Poll::Ready(Err(Elapsed { after: *this.after }))
    }
}

/// The time of a [`timeout`] or [`deadline`] was up.
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
