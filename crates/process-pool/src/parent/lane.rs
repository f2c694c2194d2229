//! One worker's rings from the parent's side.

mod end;
mod pace;

pub(crate) use end::Verdict;
pub(crate) use pace::LONG;

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use pace::Pace;

use super::process::Ports;
use super::results::Results;
use super::unit::{Outcome, Sink, Unit};
use crate::transport::bell::published;
use crate::transport::layout::{SLOTS, WORDS, flag, status};
use crate::transport::mapping::Region;
use crate::transport::slot::{Collect, Slot};
use crate::transport::{bytes, futex, socket};
use crate::{Crash, Exit, JobError};

/// `SIGABRT`, by which a program ends that gets no memory.
const ABORTED: i32 = 6;

/// A worker as its parent sees it. Everything here happens under the lock of the pool.
pub(crate) struct Lane {
    pub(crate) region: Arc<Region>,
    pub(crate) ports: Arc<Ports>,
    /// How many units have been collected and how many pushed.
    head: u64,
    tail: u64,
    /// Those in between.
    units: VecDeque<Held>,
    /// How many of them were not withdrawn.
    held: usize,
    /// The next free word of the ring of inputs, and how many are in use.
    input: u64,
    input_used: usize,
    /// How many of the units came with descriptors, and how many descriptors those are.
    messages: usize,
    descriptors: usize,
    /// Where the next result begins.
    output: u64,
    /// Whether a thread sleeps on `wanted.done`.
    pub(crate) has_sleeper: bool,
    /// Whether the worker was awake when the latest unit was pushed.
    pub(crate) is_awake: bool,
    /// For how many waits not to spin, since spinning was in vain.
    pub(crate) spin_pause: u32,
    /// Why it has been killed.
    verdict: Option<Verdict>,
    /// After which input of its unit it begins nothing more.
    stopped_at: Option<u32>,
    /// Units before this one may have seen `stop`, and may then be finished without a single
    /// result.
    stop_seen_before: u64,
    /// Since when it has been seen to end by itself.
    pub(crate) retired: Option<Instant>,
    /// The unit that runs, which of its inputs, and since when it has been seen to run.
    seen: Option<(u64, u32, Instant)>,
    /// Whether it has ended a job.
    pub(crate) has_served: bool,
    /// `RLIMIT_DATA` of the worker, if it has one.
    memory_limit: Option<u64>,
    /// Whether the unit at the head gets on, as far as the supervisor has seen.
    pace: Pace,
}

/// A place of the ring that has been pushed and not collected.
struct Held {
    /// `None` if it was withdrawn.
    unit: Option<Unit>,
    /// What it takes of the ring of inputs until the worker has passed it.
    words: usize,
    /// What it takes of the socket until then.
    descriptors: usize,
}

/// A result, and where it goes.
pub(crate) type Delivery = (Sink, usize, Outcome);

/// What collecting a worker's results comes to.
#[derive(Default)]
pub(crate) struct Harvest {
    pub(crate) deliveries: Vec<Delivery>,
    /// What a worker left over of a unit.
    pub(crate) rest: Vec<Unit>,
    /// Descriptors from a worker that belong to no result. They are closed after the lock is
    /// released.
    pub(crate) rejected: Vec<OwnedFd>,
}

impl Harvest {
    fn end(&mut self, sink: &Sink, place: u32, outcome: Outcome) {
        self.deliveries
            .push((sink.clone(), place as usize, outcome));
    }
}

/// Why a unit was not pushed.
pub(crate) enum Refused {
    /// There is room as soon as the worker has done something.
    Full(Unit),
    /// The system takes no more descriptors at the moment, for reasons that may lie elsewhere.
    Congested(Unit),
    Failed(Unit, std::io::Error),
}

/// How many descriptors may wait in a worker's socket, unless fewer than `MESSAGES` units have any.
/// The system limits the descriptors in flight for all processes of a user together.
const DESCRIPTORS: usize = 16;
/// One unit in work, and the next one at hand.
const MESSAGES: usize = 2;

impl Lane {
    pub(crate) fn new(region: Arc<Region>, ports: Arc<Ports>, memory_limit: Option<u64>) -> Self {
        Self {
            region,
            ports,
            head: 0,
            tail: 0,
            units: VecDeque::with_capacity(SLOTS),
            held: 0,
            input: 0,
            input_used: 0,
            messages: 0,
            descriptors: 0,
            output: 0,
            has_sleeper: false,
            is_awake: false,
            spin_pause: 0,
            verdict: None,
            stopped_at: None,
            stop_seen_before: 0,
            retired: None,
            seen: None,
            has_served: false,
            memory_limit,
            pace: Pace::default(),
        }
    }

    fn slot(&self, unit: u64) -> &Slot {
        &self.region.slots[unit as usize % SLOTS]
    }

    /// How many units are under way.
    pub(crate) fn load(&self) -> usize {
        self.held
    }

    /// Whether nothing is in the ring, not even what was withdrawn.
    pub(crate) fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// How many units have been collected since its start.
    pub(crate) fn collected(&self) -> u64 {
        self.head
    }

    /// Whether it takes units, if it has a place for them.
    pub(crate) fn is_live(&self) -> bool {
        self.verdict.is_none() && self.retired.is_none()
    }

    /// Whether it can be given units, and has a place for one.
    pub(crate) fn is_open(&self) -> bool {
        self.is_live() && self.units.len() < SLOTS
    }

    /// Whether its socket has room for a unit with that many descriptors.
    pub(crate) fn takes_descriptors(&self, count: usize) -> bool {
        count == 0 || self.messages < MESSAGES || self.descriptors + count <= DESCRIPTORS
    }

    /// Ends the worker. The first reason counts.
    pub(crate) fn condemn(&mut self, verdict: Verdict) {
        self.verdict.get_or_insert(verdict);
        self.ports.kill();
    }

    pub(crate) fn is_condemned(&self) -> bool {
        self.verdict.is_some()
    }

    /// Hands a unit to the worker, which has to be [rung](Self::ring) for afterwards. Returns the unit's number.
    pub(crate) fn push(&mut self, unit: Unit, hot: bool) -> Result<u64, Refused> {
        let words = match unit.spilled {
            Some(_) => 0,
            None => bytes::words(unit.bytes.len()),
        };
        let count = unit.descriptors.len();
        if !self.is_open() || self.input_used + words > WORDS || !self.takes_descriptors(count) {
            return Err(Refused::Full(unit));
        }
        let mut flags = if hot { flag::HOT } else { 0 };
        if !unit.descriptors.is_empty() {
            let descriptors: Vec<_> = unit
                .descriptors
                .iter()
                .map(|descriptor| descriptor.as_fd())
                .collect();
            match socket::send(&self.ports.socket, &[], &descriptors, false) {
                Ok(()) => flags |= flag::DESCRIPTORS,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return Err(Refused::Full(unit));
                }
                // The worker is gone; its death is on the way, and a waiting unit is given to another one.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                    flags |= flag::DESCRIPTORS;
                }
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    flags |= flag::DESCRIPTORS;
                }
                Err(error) if socket::is_congestion(&error) => {
                    return Err(Refused::Congested(unit));
                }
                Err(error) => return Err(Refused::Failed(unit, error)),
            }
        }
        if unit.spilled.is_some() {
            flags |= flag::SPILLED;
        } else {
            bytes::write(&self.region.inputs.0, self.input, &unit.bytes);
        }
        if unit.limit.is_some() {
            flags |= flag::LIMITED;
        }
        let slot = self.slot(self.tail);
        let length = unit.spilled.unwrap_or(unit.bytes.len());
        slot.job.store(unit.job, Ordering::Relaxed);
        slot.count.store(unit.count, Ordering::Relaxed);
        slot.flags.store(flags, Ordering::Relaxed);
        slot.input_len.store(length as u32, Ordering::Relaxed);
        slot.publish();
        self.input += words as u64;
        self.input_used += words;
        self.messages += usize::from(count > 0);
        self.descriptors += count;
        if self.units.is_empty() {
            self.pace = Pace::default();
        }
        self.units.push_back(Held {
            unit: Some(unit),
            words,
            descriptors: count,
        });
        self.held += 1;
        self.tail += 1;
        Ok(self.tail - 1)
    }

    /// Wakes the worker if it sleeps.
    pub(crate) fn ring(&mut self) {
        published();
        let bell = &self.region.work.0;
        self.is_awake = !bell.take();
        if !self.is_awake {
            futex::wake(bell);
        }
    }

    /// Wakes the thread that sleeps on the results, if there is one.
    pub(crate) fn wake_sleeper(&self) {
        let bell = &self.region.wanted.0.done;
        bell.disarm();
        futex::wake(bell);
    }

    /// Collects what is finished.
    ///
    /// # Errors
    /// What the worker did that makes no sense. The unit that shows it has been dealt with.
    pub(crate) fn collect(&mut self, harvest: &mut Harvest) -> Result<(), String> {
        let before = self.head;
        let mut result = Ok(());
        while let Some(Held { unit, .. }) = self.units.front_mut() {
            let slot = &self.region.slots[self.head as usize % SLOTS];
            match slot.collect() {
                Collect::Done => match unit.take() {
                    Some(unit) => {
                        self.held -= 1;
                        self.pop();
                        let region = Arc::clone(&self.region);
                        let slot = &region.slots[self.head as usize % SLOTS];
                        result = self.read(slot.results(), unit, true, harvest);
                        self.next();
                    }
                    None => result = Err("it finished what had been withdrawn".to_owned()),
                },
                Collect::Passed if unit.is_none() => {
                    self.pop();
                    self.next();
                }
                Collect::Passed | Collect::Nonsense => {
                    result = Err("a place of the ring in no state".to_owned());
                }
                Collect::Waiting | Collect::Running | Collect::Withdrawn => break,
            }
            if result.is_err() {
                break;
            }
        }
        if self.head != before {
            self.region
                .parent
                .0
                .collected
                .store(self.head, Ordering::Release);
        }
        result
    }

    fn pop(&mut self) {
        if let Some(held) = self.units.pop_front() {
            self.input_used -= held.words;
            self.messages -= usize::from(held.descriptors > 0);
            self.descriptors -= held.descriptors;
        }
    }

    fn next(&mut self) {
        self.slot(self.head).clear();
        self.head += 1;
        self.pace = Pace::default();
    }

    /// Reads the results of a unit that are there. The rest of a finished unit comes again.
    fn read(
        &mut self,
        (done, words): (u32, u32),
        mut unit: Unit,
        finished: bool,
        harvest: &mut Harvest,
    ) -> Result<(), String> {
        let sink = unit.sink.clone();
        // The first input of a unit always runs, unless the parent has set `stop`. A unit that
        // finished without a result for it would be queued again without end.
        let may_be_empty = unit.count > 1 && self.head < self.stop_seen_before;
        let mut next = 0;
        let read = (|| {
            if done > unit.count || (finished && done == 0 && !may_be_empty) {
                return Err(format!("{done} results of {} inputs", unit.count));
            }
            let Harvest {
                deliveries,
                rejected,
                ..
            } = &mut *harvest;
            let socket = &self.ports.socket;
            let mut results = Results::new(&self.region, socket, self.output, words, rejected)?;
            while next < done {
                // The input is not needed any more where there is only one.
                let spare = if unit.count == 1 {
                    std::mem::take(&mut unit.bytes)
                } else {
                    Vec::new()
                };
                let outcome = results.next(spare)?;
                deliveries.push((sink.clone(), next as usize, outcome));
                next += 1;
            }
            results.finish()
        })();
        match read {
            Ok(end) => {
                self.output = end;
                self.has_served |= done > 0;
                if finished {
                    harvest.rest.extend(unit.skip(done));
                } else {
                    // For whoever wants to know how far it came.
                    harvest.rest.push(unit);
                }
                Ok(())
            }
            Err(why) => {
                for place in next..unit.count {
                    harvest.end(&sink, place, Err(JobError::Corrupted(why.clone())));
                }
                Err(why)
            }
        }
    }

    /// Takes back all that the worker has not begun, the last `most` of it, in order.
    pub(crate) fn withdraw(&mut self, most: usize) -> Vec<Unit> {
        let mut back = Vec::new();
        for place in (0..self.units.len()).rev() {
            if back.len() == most {
                break;
            }
            let slot = &self.region.slots[(self.head as usize + place) % SLOTS];
            if self.units[place].unit.is_some() && slot.withdraw() {
                self.held -= 1;
                back.extend(self.units[place].unit.take());
            }
        }
        back.reverse();
        if !back.is_empty() && self.has_sleeper {
            // What it waits for may come from elsewhere now.
            self.wake_sleeper();
        }
        back
    }

    /// Takes back one unit, if the worker has not begun it.
    pub(crate) fn withdraw_one(&mut self, unit: u64) -> Option<Unit> {
        let place = usize::try_from(unit.checked_sub(self.head)?).ok()?;
        let held = &mut self.units.get_mut(place)?.unit;
        if held.is_some() && self.region.slots[unit as usize % SLOTS].withdraw() {
            self.held -= 1;
            held.take()
        } else {
            None
        }
    }

    fn status(&self) -> u32 {
        self.region.worker.0.status.load(Ordering::Acquire)
    }

    /// The memory limit, if it is what ended the worker.
    pub(crate) fn exceeded_memory_limit(&self, crash: &Crash) -> Option<u64> {
        let out_of_memory = self.region.worker.0.out_of_memory.load(Ordering::Acquire) != 0;
        self.memory_limit
            .filter(|_| out_of_memory && crash.exit == Exit::Signal(ABORTED))
    }

    /// Whether it has done its share and ends.
    pub(crate) fn is_retired(&self) -> bool {
        self.status() == status::RETIRED
    }

    /// Whether it takes jobs.
    pub(crate) fn is_ready(&self) -> bool {
        self.status() == status::READY
    }

    /// Lets it end when it has nothing left to do.
    pub(crate) fn close(&mut self) {
        self.region.parent.0.closing.store(1, Ordering::Release);
        self.ring();
    }

    /// The words of a worker whose initializer failed.
    pub(crate) fn last_words(&self, rejected: &mut Vec<OwnedFd>) -> Option<String> {
        if self.status() != status::FAILED {
            return None;
        }
        let (bytes, descriptors) = match socket::receive(&self.ports.socket, false) {
            Ok((bytes, descriptors)) => (Some(bytes), descriptors),
            Err(message) => (None, message.descriptors),
        };
        rejected.extend(descriptors);
        Some(String::from_utf8_lossy(&bytes?).into_owned())
    }
}
