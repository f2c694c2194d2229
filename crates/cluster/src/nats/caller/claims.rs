//! [`Claims`]: whether connected workers know the names of waiting jobs.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The longest time between two questions about a name.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(2);
/// The names that were asked about.
#[derive(Default)]
pub(super) struct Claims(HashMap<&'static str, Claim>);

#[derive(Default)]
struct Claim {
    asked: Option<Instant>,
    /// The first of the answers, without another one since, that no worker is there.
    unclaimed_since: Option<Instant>,
}

impl Claims {
    /// Forgets the answers: workers may have come while this end was not connected.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Notes a question, unless the last one was a moment ago.
    pub(super) fn ask(&mut self, name: &'static str, now: Instant, pause: Duration) -> bool {
        let claim = self.0.entry(name).or_default();
        let since = claim.asked.map(|asked| now.duration_since(asked));
        if since.is_some_and(|since| since < pause) {
            return false;
        }
        if since.is_some_and(|since| since > 2 * ASK_AGAIN) {
            // Workers may have come and gone since.
            claim.unclaimed_since = None;
        }
        claim.asked = Some(now);
        true
    }

    /// Notes an answer. Returns for how long there has been no worker.
    pub(super) fn answer(&mut self, name: &str, is_unclaimed: bool, now: Instant) -> Duration {
        let Some(claim) = self.0.get_mut(name) else {
            return Duration::ZERO;
        };
        if !is_unclaimed {
            claim.unclaimed_since = None;
            return Duration::ZERO;
        }
        now.duration_since(*claim.unclaimed_since.get_or_insert(now))
    }
}
