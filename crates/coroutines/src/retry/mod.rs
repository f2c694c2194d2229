//! Trying again.

mod backoff;
mod error;
mod random;

use std::future::Future;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use async_io::Timer;

pub use backoff::Backoff;
pub use error::{GaveUp, RetryError};

use crate::timeout::deadline;
use crate::turn::give_way;
use random::Random;

/// How often, and after which pauses, something is tried again that may fail for a while.
///
/// `Retry::new()` tries three times, with the pauses of [`Backoff::default`] between them.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
/// use effective_coroutines::{Backoff, Retry, RetryError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), RetryError<&'static str>> {
/// let answer = Retry::new()
///     .attempts(NonZeroUsize::new(5).unwrap())
///     .backoff(Backoff::exponential(Duration::from_millis(1), 2.0).jitter(0.5))
///     .timeout(Duration::from_secs(30))
///     .retry_if(|error: &&'static str| *error != "forbidden")
///     .run(|attempt| async move {
///         if attempt < 3 { Err("busy") } else { Ok(attempt) }
///     })
///     .await?;
/// assert_eq!(answer, 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "settings do nothing until `run` is called on them"]
pub struct Retry {
    attempts: NonZeroUsize,
    backoff: Backoff,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    seed: Option<u64>,
}

impl Retry {
    /// Three attempts, no deadline.
    pub const fn new() -> Self {
        Self {
            attempts: NonZeroUsize::new(3).expect("not zero"),
            backoff: Backoff::standard(),
            timeout: None,
            deadline: None,
            seed: None,
        }
    }

    /// At most so many attempts, the first one included.
    pub const fn attempts(mut self, attempts: NonZeroUsize) -> Self {
        self.attempts = attempts;
        self
    }

    /// The pauses between the attempts.
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// An end to all attempts and pauses together, counted from the first poll. An attempt that runs by then is dropped,
    /// a pause that would last until then is not begun, nor is an attempt after it, except the first, which is polled once.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The same as [`timeout`](Self::timeout), as a moment. The earlier of both counts.
    pub const fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Draws the jitter from this seed, so that the pauses are the same each time: for tests. Without it they differ
    /// from run to run.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Tries again only after an error of which `retryable` says so: with any other, the first is the last.
    ///
    /// The type of the error has to be written in the closure.
    pub const fn retry_if<E, P>(self, retryable: P) -> RetryIf<P>
    where
        P: FnMut(&E) -> bool,
    {
        RetryIf {
            retry: self,
            retryable,
        }
    }

    /// Calls `f` with 1, 2, 3 … and awaits what it returns, until it succeeds or there is a reason to give up.
    ///
    /// All runs inside the task that awaits this, and may borrow.
    ///
    /// # Errors
    /// [`RetryError`], with the last error and the reason.
    ///
    /// # Cancellation
    /// Dropping this drops the attempt that is running; no other is started.
    ///
    /// # Panics
    /// A panic of an attempt goes through: it is no error to be tried again. For the timers see
    /// [`timeout`](crate::timeout()#panics).
    pub async fn run<T, E, F, Fut>(self, f: F) -> Result<T, RetryError<E>>
    where
        F: FnMut(usize) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.retry_if(|_: &E| true).run(f).await
    }

    /// The end of all, if there is one, from now on.
    fn end(&self) -> Option<Instant> {
        // A time too far to be told is no end.
        let timeout = self
            .timeout
            .and_then(|left| Instant::now().checked_add(left));
        match (timeout, self.deadline) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

/// A [`Retry`] that looks at the error first: made by [`Retry::retry_if`].
#[derive(Clone, Copy, Debug)]
#[must_use = "settings do nothing until `run` is called on them"]
pub struct RetryIf<P> {
    retry: Retry,
    retryable: P,
}

impl<P> RetryIf<P> {
    /// As [`Retry::run`].
    ///
    /// # Errors
    /// [`RetryError`], with the last error and the reason.
    ///
    /// # Panics
    /// As [`Retry::run`], and when the function that judges the error panics.
    pub async fn run<T, E, F, Fut>(mut self, mut f: F) -> Result<T, RetryError<E>>
    where
        P: FnMut(&E) -> bool,
        F: FnMut(usize) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let Retry {
            attempts, backoff, ..
        } = self.retry;
        let end = self.retry.end();
        let mut random = Random::new(self.retry.seed);
        let mut last = None;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let tried = match end {
                Some(end) => deadline(end, f(attempt)).await,
                None => Ok(f(attempt).await),
            };
            let error = match tried {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => return Err(RetryError::new(last, attempt, GaveUp::Deadline)),
            };
            let why = if !(self.retryable)(&error) {
                Some(GaveUp::NotRetryable)
            } else if attempt >= attempts.get() {
                Some(GaveUp::Attempts)
            } else {
                None
            };
            let pause = backoff.pause(attempt, &mut random);
            let too_late =
                end.is_some_and(|end| end.saturating_duration_since(Instant::now()) <= pause);
            if let Some(why) = why.or(too_late.then_some(GaveUp::Deadline)) {
                return Err(RetryError::new(Some(error), attempt, why));
            }
            last = Some(error);
            // Also where there is no pause: attempts that fail at once must not hold the thread.
            give_way().await;
            if !pause.is_zero() {
                Timer::after(pause).await;
            }
            // The pause was to end before, but the thread may have been held up.
            if end.is_some_and(|end| end <= Instant::now()) {
                return Err(RetryError::new(last, attempt, GaveUp::Deadline));
            }
        }
    }
}
