//! The adaptive chunk size: the number of inputs that a worker claims at a time, if the user did
//! not set it.

use std::time::{Duration, Instant};

/// Chunks grow while they take less than this, which is about a hundred times the cost of a claim.
const SHORT: Duration = Duration::from_micros(20);
/// A chunk that took longer than this shrinks to the size that would have fitted.
const LONG: Duration = Duration::from_micros(100);
/// The maximum adaptive size. At most this number of inputs may turn out to be long and cannot be
/// shared.
const MAX_CHUNK: usize = 128;

pub(super) struct ChunkSize {
    size: usize,
    since: Instant,
}

impl ChunkSize {
    pub(super) fn new() -> Self {
        Self {
            size: 1,
            since: Instant::now(),
        }
    }

    /// The size of the next chunk, with `left` inputs left for `workers` workers. Chunks shrink
    /// towards the end, so that all workers finish together.
    pub(super) fn size(&self, left: usize, workers: usize) -> usize {
        self.size.min(left / (4 * workers)).max(1)
    }

    /// Adapts to a chunk of `len` inputs, which was processed since the last call.
    pub(super) fn adapt(&mut self, len: usize) {
        let now = Instant::now();
        self.learn(len, now.saturating_duration_since(self.since));
        self.since = now;
    }

    fn learn(&mut self, len: usize, took: Duration) {
        if took < SHORT {
            // Based on the actual length, which the end of the inputs may have cut short.
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
    fn chunks_grow_while_short_and_shrink_when_long() {
        let mut chunk = ChunkSize::new();
        for len in [1, 2, 4, 8, 16, 32, 64, 128, 128] {
            assert_eq!(chunk.size(1_000_000, 2), len);
            chunk.learn(len, Duration::from_nanos(100));
        }
        // Neither short nor long: unchanged.
        chunk.learn(128, Duration::from_micros(50));
        assert_eq!(chunk.size(1_000_000, 2), 128);
        chunk.learn(128, Duration::from_millis(128));
        assert_eq!(chunk.size(1_000_000, 2), 1);
    }

    #[test]
    fn chunks_shrink_towards_the_end() {
        let mut chunk = ChunkSize::new();
        for _ in 0..9 {
            chunk.learn(128, Duration::ZERO);
        }
        assert_eq!(chunk.size(800, 2), 100);
        assert_eq!(chunk.size(7, 2), 1);
        assert_eq!(chunk.size(0, 2), 1);
    }
}
