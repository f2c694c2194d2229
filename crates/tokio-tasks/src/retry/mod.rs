//! `Retry`, which runs a fallible operation again until it succeeds.
//!
//! Several crates link this file.

mod backoff;
pub(crate) mod error;
mod random;

use std::future::Future;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

pub use backoff::Backoff;
pub use error::{GaveUp, RetryError};

use crate::runtime;
use crate::timeout::deadline;
use crate::yield_now::yield_now;
use random::Random;

/// How many times, and after which pauses, a failed operation is tried again.
///
/// `Retry::new()` makes three attempts, with the pauses of [`Backoff::default`] between them.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
#[doc = example!(Backoff, Retry)]
/// let answer = Retry::new()
///     .attempts(NonZeroUsize::new(5).unwrap())
///     .backoff(Backoff::exponential(Duration::from_millis(1), 2.0).jitter(0.5))
///     .timeout(Duration::from_secs(30))
///     .retry_if(|error: &&'static str| *error != "forbidden")
///     .run(|attempt| async move {
///         if attempt < 3 { Err("busy") } else { Ok(attempt) }
///     })
///     .await;
/// assert_eq!(answer, Ok(3));
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

    /// At most `attempts` attempts, including the first one.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    #[doc = example!(Backoff, Retry)]
    /// let retry = Retry::new().attempts(NonZeroUsize::new(2).unwrap()).backoff(Backoff::none());
    /// let failed = retry.run(|attempt| async move { Err::<(), _>(attempt) }).await.unwrap_err();
    /// assert_eq!((failed.attempts(), failed.into_last()), (2, Some(2)));
    /// # Ok(())
    /// # }
    /// ```
    pub const fn attempts(mut self, attempts: NonZeroUsize) -> Self {
        self.attempts = attempts;
        self
    }

    /// The pauses between the attempts.
    ///
    /// ```
    /// use std::time::Duration;
    #[doc = example!(Backoff, Retry)]
    /// let retry = Retry::new().backoff(Backoff::constant(Duration::from_millis(1)));
    /// let attempt = |attempt| async move { if attempt < 3 { Err("busy") } else { Ok(attempt) } };
    /// assert_eq!(retry.run(attempt).await, Ok(3));
    /// # Ok(())
    /// # }
    /// ```
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// A bound on all attempts and pauses together, counted from the first poll.
    ///
    /// When the time runs out, the current attempt is dropped. A pause that would last beyond it
    /// does not begin, nor does the attempt after it. The first attempt is polled at least once.
    ///
    /// ```
    /// use std::time::Duration;
    #[doc = example!(GaveUp, Retry)]
    /// let retry = Retry::new().timeout(Duration::from_millis(20));
    /// let endless = |_| std::future::pending::<Result<(), &str>>();
    /// assert_eq!(retry.run(endless).await.unwrap_err().gave_up(), GaveUp::TimedOut);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The same as [`timeout`](Self::timeout), as a point in time. The earlier of the two counts.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    #[doc = example!(GaveUp, Retry)]
    /// let end = Instant::now() + Duration::from_millis(20); // for several calls together
    /// let endless = |_| std::future::pending::<Result<(), &str>>();
    /// let failed = Retry::new().deadline(end).run(endless).await.unwrap_err();
    /// assert_eq!(failed.gave_up(), GaveUp::TimedOut);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Seeds the jitter, so that the pauses are the same in each run: for tests.
    ///
    /// ```
    /// use std::time::Duration;
    #[doc = example!(Backoff, Retry)]
    /// // The same pauses in each run of a test.
    /// let backoff = Backoff::constant(Duration::from_millis(2)).jitter(1.0);
    /// let retry = Retry::new().backoff(backoff).seed(7);
    /// let attempt = |attempt| async move { if attempt < 3 { Err("busy") } else { Ok(attempt) } };
    /// assert_eq!(retry.run(attempt).await, Ok(3));
    /// # Ok(())
    /// # }
    /// ```
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Tries again only if `retryable` returns `true` for the error.
    ///
    /// The closure has to name the type of the error.
    pub const fn retry_if<E, P>(self, retryable: P) -> RetryIf<P>
    where
        P: FnMut(&E) -> bool,
    {
        RetryIf {
            retry: self,
            retryable,
        }
    }

    /// Calls `f` with 1, 2, 3 … and awaits what it returns, until it succeeds or there is a reason
    /// to give up.
    ///
    /// All attempts run inside the task that awaits this, so they may borrow. A timer is needed
    /// only for a pause or a timeout.
    ///
    /// # Errors
    /// [`RetryError`], with the last error and the reason.
    ///
    /// # Cancellation
    /// Dropping this drops the current attempt; no other is started.
    ///
    /// # Panics
    /// If an attempt panics, which is not tried again. If a pause or a timeout needs the runtime's
    /// timer and that is unavailable; the message says what is missing.
    pub async fn run<T, E, F, Fut>(self, f: F) -> Result<T, RetryError<E>>
    where
        F: FnMut(usize) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.retry_if(|_: &E| true).run(f).await
    }

    /// The end of all attempts, if there is one.
    fn end(&self) -> Option<Instant> {
        // A timeout too long for the clock is no limit.
        let timeout = self
            .timeout
            .and_then(|timeout| runtime::now().checked_add(timeout));
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

/// A [`Retry`] that tries again only after some errors, made by [`Retry::retry_if`].
#[derive(Clone, Copy, Debug)]
#[must_use = "settings do nothing until `run` is called on them"]
pub struct RetryIf<P> {
    retry: Retry,
    retryable: P,
}

impl<P> RetryIf<P> {
    /// The same as [`Retry::run`].
    ///
    /// # Errors
    /// [`RetryError`], with the last error and the reason.
    ///
    /// # Panics
    /// As [`Retry::run`], and if the predicate panics.
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
            let result = match end {
                Some(end) => deadline(end, f(attempt)).await,
                None => Ok(f(attempt).await),
            };
            let error = match result {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => return Err(RetryError::new(last, attempt, GaveUp::TimedOut)),
            };
            let pause = backoff.pause(attempt, &mut random);
            let time_left = end.map(|end| end.saturating_duration_since(runtime::now()));
            let gave_up = if !(self.retryable)(&error) {
                Some(GaveUp::NotRetryable)
            } else if attempt >= attempts.get() {
                Some(GaveUp::Attempts)
            } else if time_left.is_some_and(|left| left <= pause) {
                Some(GaveUp::TimedOut)
            } else {
                None
            };
            if let Some(gave_up) = gave_up {
                return Err(RetryError::new(Some(error), attempt, gave_up));
            }
            last = Some(error);
            // Even without a pause: attempts that fail at once must not block the thread.
            yield_now().await;
            if !pause.is_zero() {
                runtime::sleep("Retry::run", pause).await;
            }
            // The thread may have been blocked beyond the end of the pause.
            if end.is_some_and(|end| end <= runtime::now()) {
                return Err(RetryError::new(last, attempt, GaveUp::TimedOut));
            }
        }
    }
}
