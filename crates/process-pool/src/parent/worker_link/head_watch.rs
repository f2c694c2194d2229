//! Observations of the batch at the head of a worker's ring: whether it makes progress.

use std::time::{Duration, Instant};

/// How long the batch at the head may take before the batches behind it go to other workers.
pub(crate) const LONG: Duration = Duration::from_millis(10);
/// How long a ready worker may leave a batch unclaimed. A busy machine needs far less to schedule a
/// process; a stopped process never claims it.
const STUCK: Duration = Duration::from_secs(5);
/// The most that one check adds to the time for which a batch was unclaimed: when a whole container
/// is frozen, its workers are too, and that time is not their fault.
const MAX_PER_CHECK: Duration = Duration::from_millis(300);

/// The supervisor's observations of the batch at the head.
#[derive(Default)]
pub(super) struct HeadWatch {
    /// The first and the latest check.
    seen: Option<(Instant, Instant)>,
    /// For how long it has been observed unclaimed.
    unclaimed: Duration,
    /// Whether it has been at the head for long.
    is_long: bool,
}

impl HeadWatch {
    /// Notes what has become of the batch. `is_ignored`: the worker is ready and has not claimed
    /// it.
    pub(super) fn note(&mut self, now: Instant, is_ignored: bool) {
        let (first, last) = *self.seen.get_or_insert((now, now));
        self.seen = Some((first, now));
        self.is_long = now.saturating_duration_since(first) >= LONG;
        if is_ignored {
            let since = now.saturating_duration_since(last);
            self.unclaimed += since.min(MAX_PER_CHECK);
        } else {
            self.unclaimed = Duration::ZERO;
        }
    }

    pub(super) fn is_long(&self) -> bool {
        self.is_long
    }

    /// Whether the batch has been ignored for so long that the worker will never claim it.
    pub(super) fn is_stuck(&self) -> bool {
        self.unclaimed >= STUCK
    }
}
