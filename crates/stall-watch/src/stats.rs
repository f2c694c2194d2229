//! What a watch has counted.

use crate::times::PollTimes;

/// What a watch has counted since it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Times a thread was found to be held up.
    pub stalls: u64,
    /// Threads that were held up at the last look.
    pub ongoing: usize,
    /// Reports that the limit on their rate held back. One that could still go out while its stall went on is in it too.
    /// `stalls` counts the stalls in any case.
    pub suppressed: u64,
    /// Panics of the callback or of a subscriber, which were contained.
    pub callback_panics: u64,
    /// Times the watchdog woke late by more than half the threshold: the process was stopped, its CPU quota was used up,
    /// or the machine was suspended or overloaded. Such time is taken off every stall.
    pub overslept: u64,
    /// How long the polls of wrapped futures took.
    pub poll_times: PollTimes,
}
