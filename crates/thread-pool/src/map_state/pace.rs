//! How many inputs one worker claims at a time, when the user left it to us.

use std::time::{Duration, Instant};

/// Claimed chunks grow while they take less than this. It is some hundred times the price of a claim.
const SHORT: Duration = Duration::from_micros(20);
/// Chunks that took longer than this fall back to what would have fitted into it.
const LONG: Duration = Duration::from_micros(100);
/// No chunk of our own choice is larger: so many inputs, at most, may turn out to be long ones that nobody can share.
const MAX_CHUNK: usize = 128;

pub(super) struct Pace {
    size: usize,
    since: Instant,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            size: 1,
            since: Instant::now(),
        }
    }

    /// The size of the next chunk, when so many inputs are left for so many workers. Towards the end chunks shrink, so
    /// that all end together.
    pub(super) fn size(&self, left: usize, workers: usize) -> usize {
        self.size.min(left / (4 * workers)).max(1)
    }

    /// Learns from a chunk of this length, which was worked on since the last call.
    pub(super) fn adapt(&mut self, len: usize) {
        let now = Instant::now();
        self.learn(len, now.saturating_duration_since(self.since));
        self.since = now;
    }

    fn learn(&mut self, len: usize, took: Duration) {
        if took < SHORT {
            // From what was really claimed, which the end of the inputs may have cut short.
            self.size = (2 * len).clamp(self.size, MAX_CHUNK);
        } else if took > LONG {
            let fits = LONG.as_nanos() * len as u128 / took.as_nanos();
            self.size = usize::try_from(fits)
                .unwrap_or(MAX_CHUNK)
                .clamp(1, MAX_CHUNK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_grow_while_they_are_short_and_fall_back_when_they_are_long() {
        let mut pace = Pace::new();
        for len in [1, 2, 4, 8, 16, 32, 64, 128, 128] {
            assert_eq!(pace.size(1_000_000, 2), len);
            pace.learn(len, Duration::from_nanos(100));
        }
        // Neither short nor long: as it is.
        pace.learn(128, Duration::from_micros(50));
        assert_eq!(pace.size(1_000_000, 2), 128);
        pace.learn(128, Duration::from_millis(128));
        assert_eq!(pace.size(1_000_000, 2), 1);
    }

    #[test]
    fn chunks_shrink_towards_the_end() {
        let mut pace = Pace::new();
        for _ in 0..9 {
            pace.learn(128, Duration::ZERO);
        }
        assert_eq!(pace.size(800, 2), 100);
        assert_eq!(pace.size(7, 2), 1);
        assert_eq!(pace.size(0, 2), 1);
    }
}
