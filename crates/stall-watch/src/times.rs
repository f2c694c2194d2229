//! A histogram of poll durations, with buckets of constant relative width.
//!
//! It is log-linear like HdrHistogram (Gil Tene): each power of two is split into eight equal
//! buckets, so a duration is known to within an eighth. Each thread writes a histogram of its own
//! and the watch adds them up on request. That is the reason for a hand-written one: every poll
//! must record without a lock while the watch reads, and the crate `hdrhistogram` has no atomic
//! counts.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Each power of two has 2^3 buckets.
const SPLIT: u32 = 3;
const BUCKETS: usize = ((u64::BITS - SPLIT + 1) << SPLIT) as usize;

fn bucket(ns: u64) -> usize {
    if ns < 1 << SPLIT {
        return ns as usize;
    }
    let exponent = ns.ilog2();
    let within = (ns >> (exponent - SPLIT)) & ((1 << SPLIT) - 1);
    (u64::from(exponent - SPLIT + 1) << SPLIT | within) as usize
}

/// The durations of a bucket: the lowest in it, and the lowest above it.
fn bounds(bucket: usize) -> (u64, u64) {
    let (group, within) = (
        (bucket >> SPLIT) as u32,
        (bucket as u64) & ((1 << SPLIT) - 1),
    );
    if group == 0 {
        return (within, within + 1);
    }
    let width = 1_u64 << (group - 1);
    let low = ((1 << SPLIT) + within) * width;
    (low, low.saturating_add(width))
}

/// The histogram of one thread. Only that thread adds to it.
pub(crate) struct Recorder {
    counts: Box<[AtomicU64]>,
    total_ns: AtomicU64,
    longest_ns: AtomicU64,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            total_ns: AtomicU64::new(0),
            longest_ns: AtomicU64::new(0),
        }
    }

    /// Counts a poll. A load and a store instead of an atomic addition, as there is only one
    /// writer.
    pub(crate) fn add(&self, ns: u64) {
        let count = &self.counts[bucket(ns)];
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        let total = self.total_ns.load(Ordering::Relaxed);
        self.total_ns
            .store(total.wrapping_add(ns), Ordering::Relaxed);
        if ns > self.longest_ns.load(Ordering::Relaxed) {
            self.longest_ns.store(ns, Ordering::Relaxed);
        }
    }

    pub(crate) fn add_to(&self, times: &mut PollTimes) {
        for (sum, count) in times.counts.iter_mut().zip(&self.counts) {
            *sum += count.load(Ordering::Relaxed);
        }
        times.total_ns = times
            .total_ns
            .wrapping_add(self.total_ns.load(Ordering::Relaxed));
        times.longest_ns = times
            .longest_ns
            .max(self.longest_ns.load(Ordering::Relaxed));
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// The durations of the polls of all threads. Running polls are not included.
///
/// Quantiles are known to within an eighth; the longest poll and the total are exact.
///
/// ```
/// use std::time::Duration;
/// use effective_stall_watch::StallWatch;
///
/// let watch = StallWatch::new(Duration::from_millis(100)).unwrap();
/// futures::executor::block_on(watch.wrap(async { 42 }));
/// let times = watch.stats().poll_times;
/// assert_eq!(times.count(), 1);
/// assert!(times.quantile(0.5) <= times.longest());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PollTimes {
    counts: Box<[u64]>,
    total_ns: u64,
    longest_ns: u64,
}

impl PollTimes {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            total_ns: 0,
            longest_ns: 0,
        }
    }

    /// Returns the number of polls.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the total duration of all polls.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.total_ns)
    }

    /// Returns the duration of the longest poll.
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest_ns)
    }

    /// Returns the duration within which the given share of the polls completed, for a share from 0
    /// to 1. This is the upper end of a bucket: at most an eighth too much, and never too little.
    /// Zero if there were no polls.
    pub fn quantile(&self, share: f64) -> Duration {
        let count = self.count();
        let rank = ((share.clamp(0.0, 1.0) * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut below = 0;
        for (bucket, &here) in self.counts.iter().enumerate() {
            below += here;
            if here > 0 && below >= rank {
                return Duration::from_nanos((bounds(bucket).1 - 1).min(self.longest_ns));
            }
        }
        Duration::ZERO
    }

    /// Returns the number of polls that took at least `time`. A bucket counts only as a whole.
    pub fn at_least(&self, time: Duration) -> u64 {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let buckets = self.counts.iter().enumerate();
        buckets
            .filter(|(bucket, _)| bounds(*bucket).0 >= ns)
            .map(|(_, count)| count)
            .sum()
    }

    /// Returns the non-empty buckets in ascending order: the lowest duration of each, and its
    /// count.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let buckets = self.counts.iter().enumerate();
        buckets
            .filter(|(_, count)| **count > 0)
            .map(|(bucket, count)| (Duration::from_nanos(bounds(bucket).0), *count))
    }
}

impl fmt::Debug for PollTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollTimes")
            .field("count", &self.count())
            .field("median", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .field("longest", &self.longest())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_adjacent_and_contain_their_durations() {
        let mut expected = 0;
        for each in 0..BUCKETS {
            let (low, high) = bounds(each);
            assert_eq!(low, expected, "bucket {each}");
            assert_eq!((bucket(low), bucket(high - 1)), (each, each));
            assert!(high - low <= (low / 8).max(1), "bucket {each} is too wide");
            expected = high;
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_within_an_eighth() {
        let recorder = Recorder::new();
        for ns in 1..=10_000 {
            recorder.add(ns * 1_000);
        }
        let mut times = PollTimes::new();
        assert_eq!(times.quantile(0.5), Duration::ZERO);
        assert_eq!(times.at_least(Duration::ZERO), 0);
        recorder.add_to(&mut times);
        assert_eq!(times.count(), 10_000);
        for (share, truth) in [(0.0, 1_000.0), (0.5, 5e6), (0.99, 9.9e6), (1.0, 1e7)] {
            let found = times.quantile(share).as_nanos() as f64;
            assert!(found >= truth && found <= truth * 1.125, "{share}: {found}");
        }
        assert_eq!(times.longest(), Duration::from_millis(10));
        assert_eq!(times.total(), Duration::from_micros(50_005_000));
        assert_eq!(times.at_least(Duration::ZERO), 10_000);
        assert_eq!(times.buckets().map(|(_, count)| count).sum::<u64>(), 10_000);
    }

    #[test]
    fn polls_of_hours_are_counted() {
        let recorder = Recorder::new();
        let minutes = [37, 60, 120, 60 * 24 * 365];
        for minutes in minutes {
            recorder.add(minutes * 60_000_000_000);
        }
        let mut times = PollTimes::new();
        recorder.add_to(&mut times);
        for (share, truth) in [(0.25, 37), (0.5, 60), (0.75, 120), (1.0, 60 * 24 * 365)] {
            let (found, truth) = (times.quantile(share), Duration::from_mins(truth));
            assert!(
                found >= truth && found <= truth * 9 / 8,
                "{found:?} for {truth:?}"
            );
        }
        assert_eq!(times.at_least(Duration::from_mins(50)), 3);
        assert_eq!(times.at_least(Duration::MAX), 0);
    }
}
