//! What a run counts while it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

/// The maximum number of workers in a pipeline, over all stages.
pub const MAX_WORKERS: usize = 4_096;

/// What is where in a pipeline at one moment. The figures are read one after another while the items move on, so they
/// may be off by the few items that moved meanwhile; after the run they are exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Each stage, in order.
    pub stages: Vec<StageCounts>,
    /// Outputs that are done and not yet taken.
    pub ready: usize,
    /// Outputs that have been taken.
    pub delivered: usize,
}

/// What is where in one stage. `taken_in` is the sum of `waiting`, `in_work`, `done`, `failed` and `discarded`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageCounts {
    /// Its name.
    pub name: Arc<str>,
    /// Its workers.
    pub workers: usize,
    /// Items that have come to this stage.
    pub taken_in: usize,
    /// Items in front of it, which no worker has begun.
    pub waiting: usize,
    /// Items that a worker has begun and not yet handed on; at most one per worker.
    pub in_work: usize,
    /// Items that have been handed on.
    pub done: usize,
    /// Items on which it returned an error or panicked.
    pub failed: usize,
    /// Items that were dropped here because the run was cut: by an error, a stop, the deadline, or the end of interest
    /// in the outputs.
    pub discarded: usize,
    /// The most items that a worker found in front of the stage, as it took some.
    pub peak: usize,
}

/// One worker's part. Nobody else writes to it, so that counting is a plain store into a line of its own.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) begun: Count,
    pub(crate) done: Count,
    pub(crate) failed: Count,
    /// Discarded without having begun.
    pub(crate) skipped: Count,
    /// Worked on, and then there was nobody to hand it to.
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

/// One stage's part.
#[derive(Debug)]
pub(crate) struct Gauge {
    pub(crate) name: Arc<str>,
    /// As many as the user asked for, which may be more than can be had.
    pub(crate) workers: usize,
    /// One for each worker, or none at all in a pipeline that has too many workers to run.
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

    pub(crate) fn found(&self, waiting: usize) {
        if waiting > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(waiting, Ordering::Relaxed);
        }
    }

    fn sum(&self, count: impl Fn(&Tally) -> &Count) -> usize {
        self.tallies.iter().map(|tally| count(tally).get()).sum()
    }

    /// The counts but for those that need the stage before.
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
            taken_in: begun + skipped,
            waiting: 0,
            in_work: begun.saturating_sub(done + failed + lost),
            done,
            failed,
            discarded: skipped + lost,
            peak: self.peak.load(Ordering::Relaxed),
        }
    }
}

/// The workers of all stages.
pub(crate) fn all_workers(stages: &[Arc<Gauge>]) -> usize {
    stages
        .iter()
        .fold(0, |all, stage| all.saturating_add(stage.workers))
}

/// The counts of a whole run.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// Inputs that were put before the first stage.
    pub(crate) fed: CachePadded<Count>,
    pub(crate) stages: Vec<Arc<Gauge>>,
    pub(crate) delivered: CachePadded<Count>,
    /// Outputs that nobody took.
    pub(crate) unwanted: Count,
}

impl Gauges {
    pub(crate) fn read(&self) -> Counts {
        let delivered = self.delivered.get();
        let unwanted = self.unwanted.get();
        // Against the stream: what has left a stage has entered it.
        let mut stages: Vec<StageCounts> =
            self.stages.iter().rev().map(|gauge| gauge.read()).collect();
        stages.reverse();
        let mut arrived = self.fed.get();
        for stage in &mut stages {
            // A worker may have begun what the one before it is about to count as handed on.
            stage.waiting = arrived.saturating_sub(stage.taken_in);
            stage.taken_in += stage.waiting;
            arrived = stage.done;
        }
        Counts {
            stages,
            ready: arrived.saturating_sub(delivered + unwanted),
            delivered,
        }
    }
}
