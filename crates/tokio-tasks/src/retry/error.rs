//! How trying again fails.

use std::error::Error;
use std::fmt;

/// All attempts of a [`Retry`](crate::Retry) were in vain.
///
/// `Display` says why, and has the words of the last error; [`source`](Error::source) is what lies behind that error.
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
    /// There were as many attempts as were allowed.
    Attempts,
    /// The error is none to be tried again.
    NotRetryable,
    /// The time for all attempts was up, or would have been during the next pause.
    Deadline,
}

impl<E> RetryError<E> {
    pub(super) fn new(last: Option<E>, attempts: usize, gave_up: GaveUp) -> Self {
        Self {
            last,
            attempts,
            gave_up,
        }
    }

    /// The error of the last attempt that ended. `None`: the time was up before the first had ended.
    #[must_use]
    pub fn last(&self) -> Option<&E> {
        self.last.as_ref()
    }

    /// The same, owned.
    #[must_use]
    pub fn into_last(self) -> Option<E> {
        self.last
    }

    /// How many attempts were begun.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.attempts
    }

    /// Why there was no further one.
    #[must_use]
    pub fn gave_up(&self) -> GaveUp {
        self.gave_up
    }
}

impl<E: fmt::Display> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempts = self.attempts;
        let plural = if attempts == 1 { "" } else { "s" };
        match self.gave_up {
            GaveUp::Attempts => write!(
                f,
                "failed after {attempts} attempt{plural}, the most that were allowed: allow more"
            )?,
            GaveUp::NotRetryable => write!(
                f,
                "failed at attempt {attempts} with an error that is not tried again"
            )?,
            GaveUp::Deadline => write!(
                f,
                "not done in time after {attempts} attempt{plural}: allow more time or shorter pauses"
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
