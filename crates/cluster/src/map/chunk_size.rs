//! [`ChunkSize`]: how many inputs travel together, learned from how long they run.

use std::num::NonZeroUsize;
use std::time::Duration;

/// The run time of a chunk that is aimed at: long against a message, short against the end of a
/// map, where the other workers wait for the last chunk.
const TARGET: Duration = Duration::from_millis(10);
/// The maximum number of inputs in an automatically sized chunk.
const MAX_INPUTS: u64 = 1_024;

/// The size of the next chunk: one input until the first result says how long an input runs.
pub(super) struct ChunkSize {
    fixed: Option<NonZeroUsize>,
    inputs: usize,
}

impl ChunkSize {
    pub(super) fn new(fixed: Option<NonZeroUsize>) -> Self {
        Self {
            fixed,
            inputs: fixed.map_or(1, NonZeroUsize::get),
        }
    }

    pub(super) fn get(&self) -> usize {
        self.inputs
    }

    /// Learns from a chunk that ran.
    pub(super) fn learn(&mut self, inputs: usize, ran: Duration) {
        if self.fixed.is_some() || inputs == 0 {
            return;
        }
        let each_ns = (ran.as_nanos() / inputs as u128).max(1);
        let fitting = TARGET.as_nanos() / each_ns;
        let fitting = u64::try_from(fitting)
            .unwrap_or(u64::MAX)
            .clamp(1, MAX_INPUTS) as usize;
        // A few quick inputs do not prove that all are: growth is limited, shrinking is not.
        self.inputs = fitting.min(self.inputs.max(inputs) * 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_grows_in_steps_and_shrinks_at_once() {
        let mut size = ChunkSize::new(None);
        assert_eq!(size.get(), 1);
        size.learn(1, Duration::from_micros(1));
        assert_eq!(size.get(), 8);
        size.learn(8, Duration::from_micros(8));
        size.learn(64, Duration::from_micros(64));
        size.learn(512, Duration::from_micros(512));
        assert_eq!(size.get(), 1_024);
        size.learn(1_024, Duration::from_secs(10));
        assert_eq!(size.get(), 1);
    }

    #[test]
    fn fixed_size_stays() {
        let mut size = ChunkSize::new(NonZeroUsize::new(7));
        size.learn(7, Duration::from_secs(1));
        assert_eq!(size.get(), 7);
    }
}
