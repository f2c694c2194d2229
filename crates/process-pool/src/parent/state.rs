//! Who gets which unit, and where its results go.

use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::jobs::{Entry, Jobs, Key, Stage, Waiter, Wake};
use super::lane::{Delivery, Harvest, Lane, Refused, Verdict};
use super::starts::Starts;
use super::unit::{Outcome, Queue, Sink, Unit};
use crate::transport::layout::SLOTS;
use crate::{Broken, JobError};

/// How soon after a result a job counts as one of a series, for which a worker then spins.
const SERIES: Duration = Duration::from_micros(50);
/// How many chunks of a map a worker has at once: one in work, and the next at hand. The others wait in the queue, for
/// whoever is first.
const CHUNKS: usize = 2;
/// How soon to try again to send descriptors that the system did not take.
pub(super) const CONGESTION: Duration = Duration::from_millis(10);

/// All that the lock of a pool guards.
pub(crate) struct State {
    pub(crate) jobs: Jobs,
    queue: Queue,
    /// `None` where a worker has died and the next one has not been started.
    pub(crate) lanes: Vec<Option<Lane>>,
    /// Inputs accepted and not ended.
    live: usize,
    /// How many jobs and maps the supervisor has to hear of as soon as they end.
    pub(crate) watchers: usize,
    /// No more jobs are taken.
    pub(crate) closed: bool,
    /// All workers have ended, and so has the supervisor.
    pub(crate) over: bool,
    pub(crate) broken: Option<Broken>,
    pub(super) starts: Starts,
    /// Whether the supervisor looks soon for units that wait behind a long one.
    pub(super) is_relieving: bool,
    /// Whether a unit waits until the system takes descriptors again.
    pub(super) is_congested: bool,
    /// Whether somebody has begun to wait since the supervisor's latest look.
    pub(crate) was_watched: bool,
    /// How many of the units in the queue are cancelled.
    stale: usize,
    /// How many jobs an immediate shutdown has ended; `None` before one.
    pub(crate) ended_at_once: Option<usize>,
    pub(super) wakes: Vec<Wake>,
    /// Whether to wake the supervisor.
    pub(crate) kick: bool,
    /// When the supervisor looks at the clock; `None` for never.
    pub(crate) next_look: Option<Instant>,
    last_result: Option<Instant>,
    /// Descriptors from workers that belong to no result. They are closed after the lock is
    /// released, as closing may block.
    pub(super) rejected: Vec<OwnedFd>,
    /// Kept for its memory.
    spare: Vec<Delivery>,
}

impl State {
    pub(crate) fn new(lanes: Vec<Lane>) -> Self {
        Self {
            jobs: Jobs::default(),
            queue: Queue::new(),
            lanes: lanes.into_iter().map(Some).collect(),
            live: 0,
            watchers: 0,
            closed: false,
            over: false,
            broken: None,
            starts: Starts::default(),
            is_relieving: false,
            is_congested: false,
            was_watched: false,
            stale: 0,
            ended_at_once: None,
            wakes: Vec::new(),
            kick: false,
            // It looks before it sleeps for the first time.
            next_look: Some(Instant::now()),
            last_result: None,
            rejected: Vec::new(),
            spare: Vec::new(),
        }
    }

    pub(crate) fn take_wakes(&mut self) -> Vec<Wake> {
        mem::take(&mut self.wakes)
    }

    /// Inputs accepted and not ended.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// Units that no worker has been given yet.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len() - self.stale
    }

    /// The supervisor has to hear of one more end.
    pub(crate) fn add_watcher(&mut self) {
        self.watchers += 1;
        self.was_watched = true;
        // So that it looks now and then, should a bell be silenced.
        self.kick |= self.next_look.is_none();
    }

    /// A pool that never came about.
    pub(crate) fn abandon(&mut self) {
        self.lanes.clear();
        self.over = true;
    }

    /// Takes a job for a handle.
    pub(crate) fn accept_job(&mut self, unit: impl FnOnce(Sink) -> Unit) -> Key {
        let key = self.jobs.insert(Entry {
            stage: Stage::Queued,
            waiter: Waiter::Nobody,
        });
        self.accept(unit(Sink::Job(key)));
        if self.needs_settling() {
            self.settle();
        }
        key
    }

    /// Takes a unit. To be followed by [`settle`](Self::settle).
    pub(crate) fn accept(&mut self, unit: Unit) {
        self.live += unit.count as usize;
        if !self.queue.is_empty() {
            self.queue.push_back(unit);
        } else if let Some(unit) = self.place(unit) {
            self.queue.push_back(unit);
        }
    }

    /// Inputs of a map are accepted before they are encoded.
    pub(crate) fn reserve(&mut self, inputs: usize) {
        self.live += inputs;
    }

    /// Takes a unit of inputs that were accepted before.
    pub(crate) fn accept_reserved(&mut self, unit: Unit) {
        self.live -= unit.count as usize;
        match self.broken.clone() {
            None => {
                self.accept(unit);
                self.settle();
            }
            Some(broken) => {
                self.live += unit.count as usize;
                for place in 0..unit.count as usize {
                    self.deliver(&unit.sink, place, Err(JobError::Broken(broken.clone())));
                }
            }
        }
    }

    /// Accepted inputs that will not come.
    pub(crate) fn release(&mut self, inputs: usize) {
        self.live -= inputs;
        self.kick |= self.closed && self.live == 0;
    }

    /// Gives a unit to the worker with the least to do; back comes what finds none.
    fn place(&mut self, unit: Unit) -> Option<Unit> {
        let most = match unit.sink {
            Sink::Group(..) => CHUNKS,
            Sink::Job(_) => SLOTS,
        };
        let descriptors = unit.descriptors.len();
        let takes_slow = !self.has_swift_lane();
        let open = self.lanes.iter().enumerate().filter_map(|(place, lane)| {
            let lane = lane.as_ref()?;
            let takes_it = lane.load() < most
                && lane.is_open()
                && lane.takes_descriptors(descriptors)
                && (takes_slow || !lane.is_slow());
            takes_it.then_some((place, lane))
        });
        let Some((place, _)) = open.min_by_key(|(_, lane)| (lane.load(), !lane.is_awake)) else {
            return Some(unit);
        };
        let (sink, limit) = (unit.sink.clone(), unit.limit);
        let lane = self.lanes[place].as_mut()?;
        // What joins others is one of a series without a look at the clock.
        let hot = lane.load() > 0 || self.last_result.is_some_and(|last| last.elapsed() < SERIES);
        match lane.push(unit, hot) {
            Ok(number) => {
                lane.ring();
                self.set_stage(
                    &sink,
                    Stage::Lane {
                        lane: place,
                        unit: number,
                    },
                );
                if let Some(limit) = limit {
                    self.look_within(limit);
                }
                None
            }
            Err(Refused::Full(unit)) => Some(unit),
            Err(Refused::Congested(unit)) => {
                self.is_congested = true;
                self.look_within(CONGESTION);
                Some(unit)
            }
            Err(Refused::Failed(unit, error)) => {
                for place in 0..unit.count as usize {
                    let error = same_error(&error);
                    self.deliver(&unit.sink, place, Err(JobError::Transport(error)));
                }
                None
            }
        }
    }

    /// Makes sure that the supervisor looks within that time.
    pub(super) fn look_within(&mut self, time: Duration) {
        let due = Instant::now().checked_add(time);
        self.kick |= due.is_some_and(|due| self.next_look.is_none_or(|next| next > due));
    }

    fn set_stage(&mut self, sink: &Sink, stage: Stage) {
        if let Sink::Job(key) = sink
            && let Some(entry) = self.jobs.get(*key)
        {
            entry.stage = stage;
        }
    }

    /// Puts units in front of the queue, in order.
    pub(super) fn requeue(&mut self, units: Vec<Unit>) {
        for unit in units.into_iter().rev() {
            self.set_stage(&unit.sink, Stage::Queued);
            self.queue.push_front(unit);
        }
    }

    /// Whether a worker's unit at hand gets on, so that others had better wait for it than for a slow one.
    pub(super) fn has_swift_lane(&self) -> bool {
        let mut lanes = self.lanes.iter().flatten();
        lanes.any(|lane| !lane.is_slow() && lane.is_live())
    }

    /// Whether somebody may still want this unit: what is cancelled stays in the queue until its turn comes.
    fn is_wanted(&mut self, unit: &Unit) -> bool {
        match unit.sink {
            Sink::Group(..) => true,
            Sink::Job(key) => self
                .jobs
                .get(key)
                .is_some_and(|entry| matches!(entry.stage, Stage::Queued)),
        }
    }

    fn needs_settling(&self) -> bool {
        self.watchers > 0 || !self.queue.is_empty() || self.closed || self.lanes.len() > 1
    }

    /// Hands out what waits, and makes sure that the supervisor hears of what it has to act on.
    pub(crate) fn settle(&mut self) {
        loop {
            self.hand_out();
            let backlog = !self.queue.is_empty();
            let events = self.watchers > 0 || backlog || self.closed;
            let uneven =
                self.lanes.iter().flatten().any(|lane| lane.load() > 1) && self.lanes.len() > 1;
            let mut news = false;
            for place in 0..self.lanes.len() {
                let Some(lane) = &self.lanes[place] else {
                    continue;
                };
                if lane.is_empty() {
                    continue;
                }
                let wanted = &lane.region.wanted.0;
                let bells = [(events, &wanted.event), (uneven, &wanted.idle)];
                let mut armed = false;
                for (_, bell) in bells
                    .into_iter()
                    .filter(|(needed, bell)| *needed && !bell.is_armed())
                {
                    bell.arm();
                    armed = true;
                }
                // What happened before would ring no bell.
                news |= armed && self.tend(place);
            }
            if uneven {
                news |= self.share();
                // What waits behind a unit that takes long has to be taken back.
                self.kick |= !mem::replace(&mut self.is_relieving, true);
            }
            if !news {
                break;
            }
        }
    }

    fn hand_out(&mut self) {
        while let Some(unit) = self.queue.pop_front() {
            if !self.is_wanted(&unit) {
                self.stale = self.stale.saturating_sub(1);
                continue;
            }
            if let Some(unit) = self.place(unit) {
                self.queue.push_front(unit);
                break;
            }
        }
    }

    /// Takes half of the units of whoever has most for a worker that has none.
    fn share(&mut self) -> bool {
        if !self.queue.is_empty()
            || !self
                .lanes
                .iter()
                .flatten()
                .any(|lane| lane.load() == 0 && lane.is_open() && !lane.is_slow())
        {
            return false;
        }
        let richest = self
            .lanes
            .iter_mut()
            .flatten()
            .max_by_key(|lane| lane.load());
        let Some(richest) = richest.filter(|lane| lane.load() > 1) else {
            return false;
        };
        let back = richest.withdraw(richest.load() / 2);
        let some = !back.is_empty();
        self.requeue(back);
        some
    }

    /// Collects what a worker has finished; whether that makes a difference to anybody.
    pub(crate) fn tend(&mut self, place: usize) -> bool {
        let Some(lane) = &mut self.lanes[place] else {
            return false;
        };
        let mut harvest = Harvest {
            deliveries: mem::take(&mut self.spare),
            ..Harvest::default()
        };
        let (before, had_served) = (lane.collected(), lane.has_served);
        if let Err(why) = lane.collect(&mut harvest) {
            // Nothing that it says can be trusted any more.
            lane.condemn(Verdict::Corrupted(why));
        }
        let mut some = lane.collected() != before || !harvest.deliveries.is_empty();
        if lane.retired.is_none() && lane.is_retired() {
            lane.retired = Some(Instant::now());
            // Its exit may take long, or for ever.
            harvest.rest.extend(lane.withdraw(SLOTS));
            some = true;
            self.kick |= self.next_look.is_none();
        }
        if lane.has_served && !had_served {
            self.starts.succeeded();
        }
        self.reap_harvest(harvest);
        some
    }

    pub(super) fn reap_harvest(&mut self, mut harvest: Harvest) {
        if !harvest.deliveries.is_empty() {
            // Asked for only where a worker has nothing left to do.
            if self.lanes.iter().flatten().any(|lane| lane.load() == 0) {
                self.last_result = Some(Instant::now());
            }
        }
        for (sink, place, outcome) in harvest.deliveries.drain(..) {
            self.deliver(&sink, place, outcome);
        }
        self.spare = harvest.deliveries;
        self.rejected.append(&mut harvest.rejected);
        self.requeue(harvest.rest);
    }

    pub(super) fn deliver(&mut self, sink: &Sink, place: usize, outcome: Outcome) {
        self.live -= 1;
        if let (Some(ended), Err(JobError::Cancelled | JobError::Killed)) =
            (&mut self.ended_at_once, &outcome)
        {
            *ended += 1;
        }
        match sink {
            Sink::Job(key) => {
                let Some(entry) = self.jobs.get(*key) else {
                    return;
                };
                self.watchers -= usize::from(entry.waiter.wants_events());
                self.wakes.extend(entry.end(outcome));
                if entry.is_detached() {
                    self.jobs.remove(*key);
                }
            }
            Sink::Group(group, first) => {
                if let Some(thread) = group.put(first + place, outcome) {
                    self.wakes.push(Wake::Thread(thread));
                }
            }
        }
        if self.closed && self.live == 0 {
            self.kick = true;
        }
    }

    /// Cancels what has not begun, and kills what has.
    pub(crate) fn kill_all(&mut self) {
        self.ended_at_once.get_or_insert(0);
        let mut pending = self.take_queue();
        for place in 0..self.lanes.len() {
            self.tend(place);
            let Some(lane) = &mut self.lanes[place] else {
                continue;
            };
            pending.extend(lane.withdraw(SLOTS));
            if lane.load() > 0 {
                lane.condemn(Verdict::Killed);
            }
        }
        // What tending gave back.
        pending.append(&mut self.take_queue());
        for unit in pending {
            for place in 0..unit.count as usize {
                self.deliver(&unit.sink, place, Err(JobError::Cancelled));
            }
        }
    }

    /// All that waits and is still wanted.
    pub(super) fn take_queue(&mut self) -> Vec<Unit> {
        let mut units: Vec<Unit> = mem::take(&mut self.queue).into();
        units.retain(|unit| self.is_wanted(unit));
        self.stale = 0;
        units
    }

    /// A job in the queue was cancelled. Its unit stays until its turn comes, unless there are many of them.
    pub(super) fn has_gone_stale(&mut self) {
        self.stale += 1;
        if 2 * self.stale > self.queue.len() {
            self.queue = self.take_queue().into();
        }
    }
}

/// An error cannot be cloned; its number, or else its kind, says what there is to say.
fn same_error(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => error.kind().into(),
    }
}
