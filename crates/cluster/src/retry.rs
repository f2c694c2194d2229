//! [`Retry`]: how often a failing job is tried.

use std::num::NonZeroU32;
use std::time::Duration;

/// How often a job is tried, and the pause between attempts. Only attempts that a worker began
/// count.
///
/// The default is three attempts without a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    pub(crate) attempts: NonZeroU32,
    pub(crate) pause: Duration,
}

impl Retry {
    /// Tries a job at most `attempts` times.
    pub const fn new(attempts: NonZeroU32) -> Self {
        Self {
            attempts,
            pause: Duration::ZERO,
        }
    }

    /// Waits between attempts.
    pub const fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::new(const { NonZeroU32::new(3).unwrap() })
    }
}
