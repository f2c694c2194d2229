//! [`Line`]: the consumer of one job name.

use std::time::{Duration, Instant};

use super::pull::Pulls;
use crate::registry::Registered;

/// The consumer of one job name, and the open pulls from it.
pub(super) struct Line {
    pub(super) job: Registered,
    pub(super) encoded: String,
    /// The subject of its jobs.
    pub(super) subject: String,
    pub(super) pulls: Pulls,
    /// The consumer's own, which its first worker has set.
    pub(super) ack_wait: Duration,
    /// When the consumer was created, as the server writes it.
    pub(super) created: Option<String>,
    pub(super) state: LineState,
}

/// Whether the consumer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineState {
    Ready,
    /// It is made at this time, or later.
    Missing(Instant),
    /// Being made.
    Pending,
}

impl Line {
    /// The pull is answered after this time at the latest, so that a pull that a vanished worker
    /// left open does not take jobs for long.
    pub(super) fn expires(&self) -> Duration {
        self.ack_wait / 2
    }
}
