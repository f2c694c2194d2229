//! Whether the unit at the head of a worker's ring gets on.

use std::time::{Duration, Instant};

use super::Lane;
use crate::transport::slot::Collect;

/// How long the unit at the head may take before the units behind it go elsewhere.
pub(crate) const LONG: Duration = Duration::from_millis(10);
/// How long a worker that is ready may leave a unit unclaimed. Far more than a busy machine needs to
/// schedule a process; a stopped process never gets there.
pub(crate) const STUCK: Duration = Duration::from_secs(5);
/// The most that one look adds to the time for which a unit has been seen unclaimed: when a whole
/// container was frozen, its workers were too, and deserve no blame for that time.
const MOST_PER_LOOK: Duration = Duration::from_millis(300);

/// What the supervisor has seen of the unit at the head.
#[derive(Default)]
pub(super) struct Pace {
    /// When it was seen first, and last.
    seen: Option<(Instant, Instant)>,
    /// For how long it has been seen unclaimed.
    unclaimed: Duration,
    /// Whether it has been there for long.
    is_long: bool,
}

impl Lane {
    /// Notes what has become of the unit at the head.
    pub(crate) fn note_pace(&mut self, now: Instant) {
        if self.is_empty() {
            return;
        }
        let (first, last) = *self.pace.seen.get_or_insert((now, now));
        self.pace.seen = Some((first, now));
        self.pace.is_long = now.saturating_duration_since(first) >= LONG;
        if self.is_unclaimed() && self.is_ready() {
            let since = now.saturating_duration_since(last);
            self.pace.unclaimed += since.min(MOST_PER_LOOK);
        } else {
            self.pace.unclaimed = Duration::ZERO;
        }
    }

    /// Whether the unit at its head has been there for long: it takes long, or the worker is stopped
    /// or still starting.
    pub(crate) fn is_slow(&self) -> bool {
        self.pace.is_long
    }

    /// Whether the worker is ready and has left a unit unclaimed for so long that it will never
    /// claim one.
    pub(crate) fn is_stuck(&self) -> bool {
        self.pace.unclaimed >= STUCK
    }

    /// Whether the place at the head waits for the worker: it has not been claimed, or was withdrawn
    /// and has not been passed over.
    pub(crate) fn is_unclaimed(&self) -> bool {
        !self.is_empty()
            && matches!(
                self.slot(self.head).collect(),
                Collect::Waiting | Collect::Withdrawn
            )
    }

    /// How many of its units have not begun.
    pub(crate) fn waiting(&self) -> usize {
        self.load() - usize::from(self.running().is_some())
    }
}
