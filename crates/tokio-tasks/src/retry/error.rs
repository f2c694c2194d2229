//! `RetryError`, the error of a retry that gave up.
//!
//! Several crates link this file.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

/// Every attempt of a [`Retry`](crate::Retry) failed.
///
/// `Display` says why there was no further attempt and includes the message of the last error;
/// [`source`](Error::source) is what lies behind that error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryError<E> {
    last: Option<E>,
    attempts: usize,
    gave_up: GaveUp,
}

/// Why there was no further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GaveUp {
    /// The number of attempts reached its limit.
    Attempts,
    /// The error is not retryable.
    NotRetryable,
    /// The time for all attempts ran out, or would have during the next pause.
    TimedOut,
}

impl<E> RetryError<E> {
    pub(super) fn new(last: Option<E>, attempts: usize, gave_up: GaveUp) -> Self {
        Self {
            last,
            attempts,
            gave_up,
        }
    }

    /// The error of the last attempt that ended. `None` if the time ran out before the first ended.
    #[must_use]
    pub fn last(&self) -> Option<&E> {
        self.last.as_ref()
    }

    /// The error of the last attempt that ended, owned.
    #[must_use]
    pub fn into_last(self) -> Option<E> {
        self.last
    }

    /// The number of attempts that were started.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.attempts
    }

    /// Why there was no further attempt.
    #[must_use]
    pub fn gave_up(&self) -> GaveUp {
        self.gave_up
    }
}

impl RetryError<Infallible> {
    /// The same error for attempts that can fail.
    pub(crate) fn widen<E>(self) -> RetryError<E> {
        let last = self.last.map(|never| match never {});
        RetryError::new(last, self.attempts, self.gave_up)
    }
}

impl<E: fmt::Display> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempts = self.attempts;
        let plural = if attempts == 1 { "" } else { "s" };
        match self.gave_up {
            GaveUp::Attempts => write!(
                f,
                "failed after {attempts} attempt{plural}, the limit: allow more"
            )?,
            GaveUp::NotRetryable => write!(
                f,
                "failed at attempt {attempts} with an error that is not retryable"
            )?,
            GaveUp::TimedOut => write!(
                f,
                "timed out after {attempts} attempt{plural}: allow more time or shorter pauses"
            )?,
        }
        match &self.last {
            Some(last) => write!(f, "; the last error: {last}"),
            None => f.write_str("; no attempt had ended"),
        }
    }
}

impl<E: Error> Error for RetryError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last.as_ref().and_then(Error::source)
    }
}
