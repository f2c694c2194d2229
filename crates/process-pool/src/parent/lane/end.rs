//! How a worker and its units come to an early end: time limits, kills, deaths.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Harvest, Held, Lane};
use crate::parent::unit::Unit;
use crate::transport::layout::{SLOTS, status};
use crate::transport::slot::{Attempt, Collect};
use crate::{Crash, JobError};

/// Why a worker has been killed.
pub(crate) enum Verdict {
    TimedOut(Duration),
    Killed,
    Corrupted(String),
}

impl Verdict {
    /// The error of the job that ran.
    fn error(&self) -> JobError {
        match self {
            Self::TimedOut(limit) => JobError::TimedOut(*limit),
            Self::Killed => JobError::Killed,
            Self::Corrupted(why) => JobError::Corrupted(why.clone()),
        }
    }
}

/// What a dead worker had come to.
pub(crate) struct BuriedLane {
    pub(crate) was_ready: bool,
    pub(crate) has_served: bool,
    pub(crate) retired: bool,
    pub(crate) condemned: bool,
}

impl Lane {
    /// The unit that runs, its number, and how far it is.
    pub(crate) fn running(&self) -> Option<(u64, &Unit, Attempt)> {
        let unit = self.units.front()?.unit.as_ref()?;
        let slot = self.slot(self.head);
        (slot.collect() == Collect::Running).then(|| (self.head, unit, slot.attempt()))
    }

    /// For how long the present input has been seen to run: what the worker itself says of it may be written over.
    pub(crate) fn seen_for(&mut self, unit: u64, input: u32, now: Instant) -> Duration {
        match self.seen {
            Some((seen, at, since)) if seen == unit && at >= input => {
                now.saturating_duration_since(since)
            }
            _ => {
                self.seen = Some((unit, input, now));
                Duration::ZERO
            }
        }
    }

    /// The shortest time limit of a unit that has one, but for the one that runs.
    pub(crate) fn waiting_limit(&self, running: Option<u64>) -> Option<Duration> {
        let skip = usize::from(running == Some(self.head));
        self.units
            .iter()
            .skip(skip)
            .filter_map(|held| held.unit.as_ref()?.limit)
            .min()
    }

    /// Kills the worker for the input that it is at and for nothing else: units that it could go on with have been
    /// withdrawn before. `false` if it is done with that input by now.
    pub(crate) fn kill_for(&mut self, unit: u64, input: u32, verdict: Verdict) -> bool {
        let region = Arc::clone(&self.region);
        let stop = &region.parent.0.stop;
        let slot = &region.slots[unit as usize % SLOTS];
        if unit != self.head {
            return false;
        }
        // Even if it does not stop there, each unit that it has by now may have seen `stop`.
        self.stop_seen_before = self.tail;
        if !slot.stop_at(input, stop) {
            stop.store(0, Ordering::Relaxed);
            return false;
        }
        self.stopped_at = Some(input);
        if self.units.iter().skip(1).any(|held| held.unit.is_some()) {
            // Who begins a unit has finished the one before it.
            let why = "it began a unit before it finished another";
            self.condemn(Verdict::Corrupted(why.to_owned()));
        } else {
            self.condemn(verdict);
        }
        true
    }

    /// What is to become of the units of a worker that is dead: results that are there count, the input that ran fails,
    /// what was not begun comes again.
    pub(crate) fn bury(mut self, crash: &Crash, harvest: &mut Harvest) -> BuriedLane {
        let verdict = self.verdict.take();
        let mut corrupted = match &verdict {
            Some(Verdict::Corrupted(why)) => Some(why.clone()),
            _ => self.collect(harvest).err(),
        };
        let exceeded = self.exceeded_memory_limit(crash);
        let failure = || match (&verdict, exceeded) {
            (Some(verdict), _) => verdict.error(),
            (None, Some(limit)) => JobError::OutOfMemory { limit },
            (None, None) => JobError::Crashed(crash.clone()),
        };
        let mut failed_one = false;
        // A worker that has reached its job loop begins the unit at its head: see
        // `Unit::comes_back`.
        let mut is_at_hand = self.is_ready() || self.is_retired() || self.has_served;
        while let Some(Held { unit, .. }) = self.units.pop_front() {
            let region = Arc::clone(&self.region);
            let slot = &region.slots[self.head as usize % SLOTS];
            self.head += 1;
            let Some(mut unit) = unit else { continue };
            let has_come_back = mem::take(&mut is_at_hand) && unit.comes_back();
            match (slot.collect(), &corrupted) {
                (Collect::Waiting, _) if has_come_back => {
                    failed_one = true;
                    harvest.end(&unit.sink, 0, Err(failure()));
                    harvest.rest.extend(unit.skip(1));
                }
                (Collect::Waiting, _) => harvest.rest.push(unit),
                (_, Some(why)) => {
                    for place in 0..unit.count {
                        harvest.end(&unit.sink, place, Err(JobError::Corrupted(why.clone())));
                    }
                }
                (_, None) => {
                    failed_one = true;
                    // Looked at once: what a job forked off may have this memory still, and write.
                    let (count, results) = (unit.count, slot.results());
                    let done = results.0;
                    if let Err(why) = self.read(results, unit, false, harvest) {
                        corrupted = Some(why);
                        continue;
                    }
                    let Some(unit) = harvest.rest.pop() else {
                        continue;
                    };
                    // The input that it was stopped at had begun, and no later one had, even if the
                    // worker was about to begin it. The slot is not asked then: it may have been
                    // overwritten since.
                    let started = self.stopped_at.unwrap_or(slot.attempt().input);
                    let begun = done < count
                        && (count == 1 || started > done || (has_come_back && done == 0));
                    if begun {
                        harvest.end(&unit.sink, done, Err(failure()));
                    }
                    harvest.rest.extend(unit.skip(done + u32::from(begun)));
                }
            }
        }
        let status = self.status();
        BuriedLane {
            was_ready: status == status::READY || status == status::RETIRED,
            has_served: self.has_served || failed_one,
            retired: status == status::RETIRED,
            condemned: verdict.is_some(),
        }
    }
}
