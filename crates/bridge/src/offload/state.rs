//! The jobs of an offload and its threads, by number: which jobs may be taken.
//!
//! # Which jobs may be taken
//!
//! A job may wait for another of the same offload, which then needs a thread as well. So each job has a level: how many jobs
//! of this offload wait for it. Nobody waits for those of level 0. A job may be taken while fewer than `max_threads` are at
//! work that do not wait, and fewer than `max_threads` of its own level have begun and not ended. The highest level goes
//! first. Waits for a higher level always end: the jobs of the highest level that has any do not wait for one, so they end.
//!
//! A wait need not show what it is for: a coroutine may have another coroutine hand the job in, which then has level 0. So
//! when all that have begun have been blocked for a while, and no job may be taken by the rule above, one is taken as an
//! *extra*, the youngest first, since it was handed in after those that wait. The while is short at first, and doubles with
//! each extra that has not ended: if the others merely wait for long, there are few, and if one of these jobs is what they
//! wait for, its turn comes. A thread that sleeps keeps *watch* for this.

use std::time::Duration;

use super::lane::{LINE, Lane, QUEUED, Queued, TAKEN};
use crate::sync::Thread;

/// How long all have been blocked at most when an extra is taken.
const LONGEST_PATIENCE: Duration = Duration::from_secs(10);

/// What the user chose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_threads: usize,
    pub(crate) min_threads: usize,
    pub(crate) max_pending: usize,
    pub(crate) idle_timeout: Duration,
    /// Off where there is one core only.
    pub(crate) spins: bool,
    /// After how long of all being blocked an extra is taken; `None`: never.
    pub(crate) patience: Option<Duration>,
}

/// What the caller has to do, outside the lock, so that the jobs are seen to.
#[must_use]
pub(crate) enum Help {
    Nothing,
    Wake(Thread),
    Start,
}

/// What changes under the lock of the dispatch.
pub(super) struct State<J> {
    /// At least one.
    pub(super) levels: Vec<Level<J>>,
    /// How many jobs are being run that were taken as extras.
    pub(super) extras: usize,
    /// The last extra that has ended was not blocked: it was what others waited for.
    pub(super) extra_helped: bool,
    /// A sleeper keeps watch for an extra to be due.
    pub(super) is_watched: bool,
    /// Counts jobs that are taken and waits that end.
    pub(super) events: u64,
    /// Who sleeps. A stack: the thread that slept last has the warmest cache.
    pub(super) sleepers: Vec<Sleeper>,
    /// All that were started and have not left.
    pub(super) threads: usize,
    /// How many of these will look at the queue before they sleep.
    pub(super) coming: usize,
    /// How many of these spin meanwhile.
    pub(super) spinning: usize,
    /// How many are blocked in a wait of this crate.
    pub(super) blocked: usize,
    pub(super) closed: bool,
    pub(super) next_id: usize,
}

/// The jobs of one level.
pub(super) struct Level<J> {
    pub(super) queue: Lane<J>,
    pub(super) line: Lane<J>,
    /// How many have begun and not ended.
    pub(super) begun: usize,
}

impl<J: Queued> Level<J> {
    fn new() -> Self {
        Self {
            queue: Lane::new(),
            line: Lane::new(),
            begun: 0,
        }
    }
}

pub(super) struct Sleeper {
    pub(super) id: usize,
    pub(super) thread: Thread,
    pub(super) watches: bool,
}

impl<J: Queued> State<J> {
    pub(super) fn new() -> Self {
        Self {
            levels: vec![Level::new()],
            extras: 0,
            extra_helped: false,
            is_watched: false,
            events: 0,
            sleepers: Vec::new(),
            threads: 0,
            coming: 0,
            spinning: 0,
            blocked: 0,
            closed: false,
            next_id: 0,
        }
    }

    /// How many live jobs are queued.
    pub(super) fn queued(&self) -> usize {
        self.levels.iter().map(|level| level.queue.live()).sum()
    }

    pub(super) fn level(&mut self, level: usize) -> &mut Level<J> {
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Level::new);
        }
        &mut self.levels[level]
    }

    pub(super) fn push(&mut self, job: J, is_queued: bool) {
        let level = job.place().level();
        let level = self.level(level);
        match is_queued {
            true => level.queue.push(job, QUEUED),
            false => level.line.push(job, LINE),
        }
    }

    /// How many jobs of a level a thread could come to. Jobs in line that others wait for need not
    /// wait for room first: it may be made by those others only.
    pub(super) fn within_reach(&self, level: usize) -> usize {
        let Level { queue, line, .. } = &self.levels[level];
        queue.live() + if level > 0 { line.live() } else { 0 }
    }

    /// How many run a job and are not blocked.
    pub(super) fn working(&self) -> usize {
        let begun: usize = self.levels.iter().map(|level| level.begun).sum();
        begun.saturating_sub(self.blocked)
    }

    /// Whether all are blocked that have begun, and no job may be taken but as an extra.
    pub(super) fn is_stuck(&self, max_threads: usize) -> bool {
        let any = || (0..self.levels.len()).any(|level| self.within_reach(level) > 0);
        self.blocked > 0 && self.working() == 0 && self.takeable(max_threads) == 0 && any()
    }

    /// For how long that has to go on.
    pub(super) fn patience(&self, limits: &Limits) -> Option<Duration> {
        let patience = limits.patience?;
        if self.extra_helped {
            return Some(Duration::ZERO);
        }
        let doubled = u32::try_from(self.extras)
            .ok()
            .and_then(|extras| 2_u32.checked_pow(extras));
        Some(
            patience
                .saturating_mul(doubled.unwrap_or(u32::MAX))
                .min(LONGEST_PATIENCE),
        )
    }

    /// How many jobs may be taken now.
    pub(super) fn takeable(&self, max_threads: usize) -> usize {
        let levels = self.levels.iter().enumerate();
        let regular = levels.map(|(number, level)| {
            self.within_reach(number)
                .min(max_threads.saturating_sub(level.begun))
        });
        let room = max_threads.saturating_sub(self.working());
        room.min(regular.sum())
    }

    /// Takes a job, if one may be taken, and lets the first in line take its room.
    pub(super) fn pop(&mut self, limits: &Limits, me: &mut Member) -> Option<J> {
        let max = limits.max_threads;
        let is_extra_due = std::mem::take(&mut me.is_extra_due) && self.is_stuck(max);
        if self.working() >= max {
            return None;
        }
        let waiting = |level: &usize| self.within_reach(*level) > 0;
        let mut levels = (0..self.levels.len()).rev().filter(waiting);
        let regular = levels.clone().find(|level| self.levels[*level].begun < max);
        let (number, is_extra) = match regular {
            Some(level) => (level, false),
            None if is_extra_due => (levels.next()?, true),
            None => return None,
        };
        let level = &mut self.levels[number];
        let job = match is_extra {
            true => level.queue.pop_last().or_else(|| level.line.pop_last()),
            false => level.queue.pop().or_else(|| level.line.pop()),
        }?;
        job.place().set(TAKEN);
        level.begun += 1;
        self.extras += usize::from(is_extra);
        self.events += 1;
        me.at = Some((number, is_extra));
        self.admit(limits.max_pending);
        Some(job)
    }

    /// A thread has ended its job.
    pub(super) fn end_job(&mut self, me: &mut Member) {
        if let Some((level, is_extra)) = me.at.take() {
            self.levels[level].begun -= 1;
            self.extras -= usize::from(is_extra);
            self.extra_helped |= is_extra;
        }
    }

    pub(super) fn admit(&mut self, max_pending: usize) {
        while self.queued() < max_pending {
            let first = self
                .levels
                .iter_mut()
                .rev()
                .find_map(|level| level.line.pop());
            let Some(first) = first else {
                return;
            };
            self.push(first, true);
        }
    }

    pub(super) fn clear(&mut self, with_queue: bool, into: &mut Vec<J>) {
        for level in &mut self.levels {
            if with_queue {
                level.queue.clear(into);
            }
            level.line.clear(into);
        }
    }

    pub(super) fn hire(&mut self, max_threads: usize) -> Help {
        let is_needed = self.takeable(max_threads) > self.coming
            || self.coming == 0 && !self.is_watched && self.is_stuck(max_threads);
        if !is_needed {
            return Help::Nothing;
        }
        if let Some(sleeper) = self.sleepers.pop() {
            self.coming += 1;
            self.is_watched &= !sleeper.watches;
            return Help::Wake(sleeper.thread);
        }
        self.threads += 1;
        self.coming += 1;
        Help::Start
    }

    /// Takes a sleeper off the stack; `false` if somebody has woken it.
    pub(super) fn withdraw_sleeper(&mut self, id: usize) -> bool {
        let place = self.sleepers.iter().rposition(|other| other.id == id);
        place.map(|place| self.sleepers.remove(place)).is_some()
    }
}

/// One thread, as the dispatch knows it.
pub(crate) struct Member {
    pub(super) id: usize,
    pub(super) coming: bool,
    /// The level of the job that it runs, and whether that was taken as an extra.
    pub(super) at: Option<(usize, bool)>,
    /// It has kept watch for long enough.
    pub(super) is_extra_due: bool,
}

impl Member {
    /// Whether its job was taken as an extra.
    pub(crate) fn is_extra(&self) -> bool {
        self.at.is_some_and(|(_, is_extra)| is_extra)
    }
}
