//! The counters of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

/// The maximum number of workers in a pipeline, over all stages.
pub const MAX_WORKERS: usize = 4_096;

/// The state of a pipeline at one moment. The figures are read one after another while items move,
/// so they may be off by the few items that moved meanwhile. After the run they are exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The stages, in order.
    pub stages: Vec<StageCounts>,
    /// Outputs that are done and not yet taken.
    pub ready: usize,
    /// Outputs that have been taken.
    pub delivered: usize,
}

/// The state of one stage. `received` is the sum of `waiting`, `in_progress`, `done`, `failed` and
/// `discarded`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageCounts {
    /// The name of the stage.
    pub name: Arc<str>,
    /// The number of its workers.
    pub workers: usize,
    /// Items that have reached this stage.
    pub received: usize,
    /// Items in front of the stage that no worker has begun.
    pub waiting: usize,
    /// Items that a worker has begun and not yet passed on; at most one per worker.
    pub in_progress: usize,
    /// Items that have been passed on.
    pub done: usize,
    /// Items for which the stage returned an error or panicked.
    pub failed: usize,
    /// Items dropped here because the run ended: by an error, a stop, the deadline, or a consumer
    /// that left.
    pub discarded: usize,
    /// The largest number of items that a worker found waiting when it took some.
    pub peak: usize,
}

/// The counters of one worker. No other thread writes to them, so counting is a plain store to a
/// cache line of its own.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) begun: Count,
    pub(crate) done: Count,
    pub(crate) failed: Count,
    /// Discarded before they were begun.
    pub(crate) skipped: Count,
    /// Processed, but the next stage had ended.
    pub(crate) lost: Count,
}

/// A number with a single writer at a time.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn add(&self, n: usize) {
        self.0
            .store(self.0.load(Ordering::Relaxed) + n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one stage.
#[derive(Debug)]
pub(crate) struct Gauge {
    pub(crate) name: Arc<str>,
    /// The number of workers requested, which may be more than a pipeline can have.
    pub(crate) workers: usize,
    /// One per worker, or none in a pipeline with too many workers to run.
    pub(crate) tallies: Box<[CachePadded<Tally>]>,
    peak: AtomicUsize,
}

impl Gauge {
    /// `most` is the number of workers that the pipeline may still have.
    pub(crate) fn new(name: Arc<str>, workers: usize, most: usize) -> Self {
        let tallies = if workers <= most { workers } else { 0 };
        Self {
            name,
            workers,
            tallies: (0..tallies).map(|_| CachePadded::default()).collect(),
            peak: AtomicUsize::new(0),
        }
    }

    pub(crate) fn record_waiting(&self, waiting: usize) {
        if waiting > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(waiting, Ordering::Relaxed);
        }
    }

    fn sum(&self, count: impl Fn(&Tally) -> &Count) -> usize {
        self.tallies.iter().map(|tally| count(tally).get()).sum()
    }

    /// The counts, except those that depend on the previous stage.
    fn read(&self) -> StageCounts {
        let (done, failed) = (
            self.sum(|tally| &tally.done),
            self.sum(|tally| &tally.failed),
        );
        let lost = self.sum(|tally| &tally.lost);
        let skipped = self.sum(|tally| &tally.skipped);
        let begun = self.sum(|tally| &tally.begun);
        StageCounts {
            name: Arc::clone(&self.name),
            workers: self.workers,
            received: begun + skipped,
            waiting: 0,
            in_progress: begun.saturating_sub(done + failed + lost),
            done,
            failed,
            discarded: skipped + lost,
            peak: self.peak.load(Ordering::Relaxed),
        }
    }
}

/// The number of workers of all stages.
pub(crate) fn all_workers(stages: &[Arc<Gauge>]) -> usize {
    stages
        .iter()
        .fold(0, |all, stage| all.saturating_add(stage.workers))
}

/// The counters of a whole run.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// Inputs that were put in front of the first stage.
    pub(crate) fed: CachePadded<Count>,
    pub(crate) stages: Vec<Arc<Gauge>>,
    pub(crate) delivered: CachePadded<Count>,
    /// Outputs dropped because the consumer had left.
    pub(crate) unwanted: Count,
}

impl Gauges {
    pub(crate) fn read(&self) -> Counts {
        let delivered = self.delivered.get();
        let unwanted = self.unwanted.get();
        // Read from the last stage to the first, so that an item counted as having left a stage is
        // also counted as having reached it.
        let mut stages: Vec<StageCounts> =
            self.stages.iter().rev().map(|gauge| gauge.read()).collect();
        stages.reverse();
        let mut arrived = self.fed.get();
        for stage in &mut stages {
            // A worker may have begun an item that the previous stage is about to count as passed
            // on.
            stage.waiting = arrived.saturating_sub(stage.received);
            stage.received += stage.waiting;
            arrived = stage.done;
        }
        Counts {
            stages,
            ready: arrived.saturating_sub(delivered + unwanted),
            delivered,
        }
    }
}
