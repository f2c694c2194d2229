//! [`Progress`], a counter of finished items, and the batching that keeps it cheap.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A counter of finished items that other threads can read while calls run. Clones are the same
/// counter.
///
/// It counts all calls of the [`DataParallel`](crate::DataParallel) that it is
/// [given to](crate::DataParallel::progress). Use a new counter to count a call separately.
///
/// A worker updates the counter about ten thousand times a second, or after each item if items take
/// longer. So counting costs next to nothing even if items are tiny.
///
/// ```
/// use std::{thread, time::Duration};
/// use effective_data_parallel::{DataParallel, Progress};
///
/// let progress = Progress::new();
/// let parallel = DataParallel::new().progress(&progress);
/// let inputs: Vec<u64> = (0..1_000).collect();
/// thread::scope(|scope| {
///     let call = scope.spawn(|| parallel.map(&inputs, |n| n * n));
///     while !call.is_finished() {
///         println!("{} of {}", progress.done(), progress.total());
///         thread::sleep(Duration::from_millis(1));
///     }
/// });
/// assert_eq!((progress.done(), progress.total()), (1_000, 1_000));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Progress {
    /// A counter at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of finished items, including those that panicked or failed. Items that never
    /// started are not counted.
    pub fn done(&self) -> usize {
        self.0.done.load(Ordering::Acquire)
    }

    /// The number of items that calls were given; for a stream, the inputs that it has taken so
    /// far. Read after [`done`](Self::done), it is never less.
    pub fn total(&self) -> usize {
        self.0.total.load(Ordering::Acquire)
    }

    pub(crate) fn expect(&self, items: usize) {
        self.0.total.fetch_add(items, Ordering::AcqRel);
    }

    pub(crate) fn add(&self, items: usize) {
        self.0.done.fetch_add(items, Ordering::AcqRel);
    }
}

/// The time between two reports of a worker.
const REPORT_EVERY: Duration = Duration::from_micros(100);

/// The count of one worker, reported in steps of as many items as take [`REPORT_EVERY`], at least
/// one.
pub(crate) struct Tally<'a> {
    progress: &'a Progress,
    items: usize,
    since: Instant,
    unreported: usize,
}

impl<'a> Tally<'a> {
    /// `None` without a progress counter.
    pub(crate) fn new(progress: Option<&'a Progress>) -> Option<Self> {
        progress.map(|progress| Self {
            progress,
            items: 1,
            since: Instant::now(),
            unreported: 0,
        })
    }

    /// The number of items until the next report.
    pub(crate) fn items(&self) -> usize {
        self.items - self.unreported
    }

    #[inline]
    pub(crate) fn add(&mut self, items: usize) {
        self.unreported += items;
        if self.unreported >= self.items {
            self.adapt();
        }
    }

    #[cold]
    fn adapt(&mut self) {
        let now = Instant::now();
        let took = now - self.since;
        self.since = now;
        self.report();
        // At most doubled, so that a few quick items do not delay the report of slow ones after
        // them.
        if took < REPORT_EVERY / 2 {
            self.items = self.items.saturating_mul(2);
        } else if took > REPORT_EVERY * 2 {
            self.items = (self.items / 2).max(1);
        }
    }

    fn report(&mut self) {
        self.progress.add(std::mem::take(&mut self.unreported));
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        if self.unreported > 0 {
            self.report();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn tally_reports_slow_items_singly_and_quick_ones_in_steps() {
        let progress = Progress::new();
        let mut tally = Tally::new(Some(&progress)).unwrap();
        for n in 1..=3 {
            thread::sleep(REPORT_EVERY * 3);
            assert_eq!(tally.items(), 1);
            tally.add(1);
            assert_eq!(progress.done(), n);
        }
        tally.items = 8;
        tally.add(3);
        assert_eq!((tally.items(), progress.done()), (5, 3));
        drop(tally);
        assert_eq!(progress.done(), 6);
    }

    #[test]
    fn tally_is_none_without_a_counter() {
        assert!(Tally::new(None).is_none());
    }
}
