//! Early ends of a worker's batches: time limits, kills and deaths.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::collect::Harvest;
use super::link::{InFlight, KillReason, WorkerLink};
use crate::error::{Crash, JobError};
use crate::transport::layout::{SLOTS, status};
use crate::transport::slot::Collect;

/// How far a dead worker had come.
pub(crate) struct WorkerEnd {
    pub(crate) was_ready: bool,
    pub(crate) has_finished_job: bool,
    pub(crate) retired: bool,
    pub(crate) killed: bool,
}

impl WorkerLink {
    /// For how long this input has been observed running. The worker's own stamp may be
    /// overwritten.
    pub(crate) fn seen_for(&mut self, batch: u64, input: u32, now: Instant) -> Duration {
        match self.seen {
            Some((seen, at, since)) if seen == batch && at >= input => {
                now.saturating_duration_since(since)
            }
            _ => {
                self.seen = Some((batch, input, now));
                Duration::ZERO
            }
        }
    }

    /// The shortest time limit of the batches that have not started.
    pub(crate) fn waiting_limit(&self, running: Option<u64>) -> Option<Duration> {
        let skip = usize::from(running == Some(self.head));
        self.in_flight
            .iter()
            .skip(skip)
            .filter_map(|held| held.batch.as_ref()?.time_limit)
            .min()
    }

    /// Kills the worker for the input it is at and for no other. The batches behind it have been
    /// withdrawn. Returns `false` if the worker has finished that input by now.
    pub(crate) fn kill_for(&mut self, batch: u64, input: u32, kill_reason: KillReason) -> bool {
        let region = Arc::clone(&self.region);
        let stop = &region.parent.0.stop;
        let slot = &region.slots[batch as usize % SLOTS];
        if batch != self.head {
            return false;
        }
        // Even if it does not stop there, each of its batches may have seen `stop`.
        self.stop_seen_before = self.tail;
        if !slot.stop_at(input, stop) {
            stop.store(0, Ordering::Relaxed);
            return false;
        }
        self.stopped_at = Some(input);
        if self
            .in_flight
            .iter()
            .skip(1)
            .any(|held| held.batch.is_some())
        {
            // A worker finishes a batch before it starts the next.
            let why = "it started a batch before it finished another";
            self.kill(KillReason::Corrupted(why.to_owned()));
        } else {
            self.kill(kill_reason);
        }
        true
    }

    /// Settles the batches of a dead worker: results that are there count, the running input fails,
    /// and inputs that were not started run elsewhere.
    pub(crate) fn into_end(mut self, crash: &Crash, harvest: &mut Harvest) -> WorkerEnd {
        let kill_reason = self.kill_reason.take();
        let mut corrupted = match &kill_reason {
            Some(KillReason::Corrupted(why)) => Some(why.clone()),
            _ => self.collect(harvest).err(),
        };
        let exceeded = self.exceeded_memory_limit(crash);
        let failure = || match (&kill_reason, exceeded) {
            (Some(kill_reason), _) => kill_reason.error(),
            (None, Some(limit)) => JobError::OutOfMemory { limit },
            (None, None) => JobError::Crashed(crash.clone()),
        };
        let mut failed_one = false;
        // A worker in its job loop starts the batch at the head: see `Batch::count_death`.
        let mut is_at_hand = self.is_ready() || self.is_retired() || self.has_finished_job;
        while let Some(InFlight { batch, .. }) = self.in_flight.pop_front() {
            let region = Arc::clone(&self.region);
            let slot = &region.slots[self.head as usize % SLOTS];
            self.head += 1;
            let Some(mut batch) = batch else { continue };
            let counts_as_started = mem::take(&mut is_at_hand) && batch.count_death();
            match (slot.collect(), &corrupted) {
                (Collect::Waiting, _) if counts_as_started => {
                    failed_one = true;
                    harvest.end(&batch.sink, 0, Err(failure()));
                    harvest.rest.extend(batch.skip(1));
                }
                (Collect::Waiting, _) => harvest.rest.push(batch),
                (_, Some(why)) => {
                    for index in 0..batch.count {
                        harvest.end(&batch.sink, index, Err(JobError::Corrupted(why.clone())));
                    }
                }
                (_, None) => {
                    failed_one = true;
                    // Read once: a process that a job forked may still write to this memory.
                    let (count, results) = (batch.count, slot.results());
                    let done = results.0;
                    if let Err(why) = self.read(results, batch, false, harvest) {
                        corrupted = Some(why);
                        continue;
                    }
                    let Some(batch) = harvest.rest.pop() else {
                        continue;
                    };
                    // The input it was stopped at had started, and no later one had, even if the
                    // worker was about to start it. The slot is not asked then: it may have been
                    // overwritten since.
                    let started = self.stopped_at.unwrap_or(slot.attempt().input);
                    let begun = done < count
                        && (count == 1 || started > done || (counts_as_started && done == 0));
                    if begun {
                        harvest.end(&batch.sink, done, Err(failure()));
                    }
                    harvest.rest.extend(batch.skip(done + u32::from(begun)));
                }
            }
        }
        let status = self.status();
        WorkerEnd {
            was_ready: status == status::READY || status == status::RETIRED,
            has_finished_job: self.has_finished_job || failed_one,
            retired: status == status::RETIRED,
            killed: kill_reason.is_some(),
        }
    }
}
