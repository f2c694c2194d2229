//! The counts of jobs and workers, and the rules that say which jobs may be taken.
//!
//! # Which jobs may be taken
//!
//! A job may wait for another job of the same offload, which then needs a thread as well. So each
//! job has a level: the number of jobs of this offload that wait for it. A job may be taken while
//! fewer than `max_threads` workers run a job without being blocked, and fewer than `max_threads`
//! jobs of its own level have begun and not ended. The highest level goes first. A wait for a
//! higher level always ends: the jobs of the highest non-empty level wait for no further level.
//!
//! The level of a job is not always known: a coroutine may have another coroutine submit it, and
//! then it has level 0. So if all jobs that have begun have been blocked for the deadlock timeout,
//! and the rule above lets none be taken, one is taken as an *extra*: the youngest, since it was
//! submitted after those that wait. The timeout is short at first and doubles with each extra that
//! has not ended. If the blocked jobs merely wait for long, few extras start; if a pending job is
//! what they wait for, it gets its turn. One sleeping worker is the *watcher* that does this.
#![allow(missing_docs, unreachable_pub, reason = "public for the model checks")]

use std::time::Duration;

use super::job_list::{JobList, QUEUED, Queued, TAKEN, WAITING};
use crate::sync::Thread;

/// The longest time for which all jobs are blocked before an extra is taken.
const MAX_DEADLOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The settings that the dispatch follows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub max_threads: usize,
    pub min_threads: usize,
    pub max_pending: usize,
    pub idle_timeout: Duration,
    /// Whether idle workers spin: not on a machine with one core.
    pub spins: bool,
    /// How long all jobs must be blocked before the first extra is taken; `None`: no extras.
    pub deadlock_timeout: Option<Duration>,
}

/// The duties of the caller, outside the lock, so that a worker takes the jobs.
#[must_use]
pub enum Action {
    Nothing,
    Wake(Thread),
    Spawn,
}

/// The state under the lock of the dispatch.
pub(super) struct State<J> {
    /// At least one.
    pub(super) levels: Vec<Level<J>>,
    /// Running jobs that were taken as extras.
    pub(super) extras: usize,
    /// An extra has ended and no extra has blocked since: extras are what the others wait for.
    pub(super) extra_helped: bool,
    /// A sleeping worker watches for an extra to be due.
    pub(super) has_watcher: bool,
    /// Counts jobs that are taken and waits that end.
    pub(super) events: u64,
    /// Sleeping workers. A stack: the one that fell asleep last has the warmest cache.
    pub(super) sleepers: Vec<Sleeper>,
    /// Workers that were started and have not left.
    pub(super) threads: usize,
    /// Those of them that will look at the queue before they sleep.
    pub(super) searching: usize,
    /// Searching workers that spin.
    pub(super) spinning: usize,
    /// Workers that are blocked in a wait of this crate.
    pub(super) blocked: usize,
    pub(super) closed: bool,
    pub(super) next_id: usize,
}

/// The jobs of one level.
pub(super) struct Level<J> {
    pub(super) queue: JobList<J>,
    pub(super) waiting: JobList<J>,
    /// Jobs that have begun and not ended.
    pub(super) begun: usize,
}

impl<J: Queued> Level<J> {
    fn new() -> Self {
        Self {
            queue: JobList::new(),
            waiting: JobList::new(),
            begun: 0,
        }
    }
}

pub(super) struct Sleeper {
    pub(super) id: usize,
    pub(super) thread: Thread,
    pub(super) is_watcher: bool,
}

impl<J: Queued> State<J> {
    pub(super) fn new() -> Self {
        Self {
            levels: vec![Level::new()],
            extras: 0,
            extra_helped: false,
            has_watcher: false,
            events: 0,
            sleepers: Vec::new(),
            threads: 0,
            searching: 0,
            spinning: 0,
            blocked: 0,
            closed: false,
            next_id: 0,
        }
    }

    /// The number of queued jobs.
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
        let level = job.entry().level();
        let level = self.level(level);
        match is_queued {
            true => level.queue.push(job, QUEUED),
            false => level.waiting.push(job, WAITING),
        }
    }

    /// The number of jobs of a level that could be taken. Waiting jobs above level 0 need no room
    /// in the queue first: only the jobs that wait for them might make it.
    pub(super) fn within_reach(&self, level: usize) -> usize {
        let Level { queue, waiting, .. } = &self.levels[level];
        queue.live() + if level > 0 { waiting.live() } else { 0 }
    }

    /// The number of jobs that run and are not blocked.
    pub(super) fn working(&self) -> usize {
        let begun: usize = self.levels.iter().map(|level| level.begun).sum();
        begun.saturating_sub(self.blocked)
    }

    /// Whether all jobs that have begun are blocked, and pending ones may only be taken as extras.
    pub(super) fn is_stuck(&self, max_threads: usize) -> bool {
        let any = || (0..self.levels.len()).any(|level| self.within_reach(level) > 0);
        self.blocked > 0 && self.working() == 0 && self.takeable(max_threads) == 0 && any()
    }

    /// How long that must last before the next extra is taken.
    pub(super) fn deadlock_timeout(&self, limits: &Limits) -> Option<Duration> {
        let deadlock_timeout = limits.deadlock_timeout?;
        if self.extra_helped {
            return Some(Duration::ZERO);
        }
        let doubled = u32::try_from(self.extras)
            .ok()
            .and_then(|extras| 2_u32.checked_pow(extras));
        Some(
            deadlock_timeout
                .saturating_mul(doubled.unwrap_or(u32::MAX))
                .min(MAX_DEADLOCK_TIMEOUT),
        )
    }

    /// The number of jobs that may be taken now.
    pub(super) fn takeable(&self, max_threads: usize) -> usize {
        let levels = self.levels.iter().enumerate();
        let regular = levels.map(|(number, level)| {
            self.within_reach(number)
                .min(max_threads.saturating_sub(level.begun))
        });
        let room = max_threads.saturating_sub(self.working());
        room.min(regular.sum())
    }

    /// Takes a job, if one may be taken, and gives its room to the first waiting job.
    pub(super) fn pop(&mut self, limits: &Limits, me: &mut WorkerState) -> Option<J> {
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
            true => level.queue.pop_last().or_else(|| level.waiting.pop_last()),
            false => level.queue.pop().or_else(|| level.waiting.pop()),
        }?;
        job.entry().set(TAKEN);
        level.begun += 1;
        self.extras += usize::from(is_extra);
        self.events += 1;
        me.running = Some((number, is_extra));
        self.admit(limits.max_pending);
        Some(job)
    }

    /// Notes that the worker's job has ended, if it ran one.
    pub(super) fn end_job(&mut self, me: &mut WorkerState) {
        if let Some((level, is_extra)) = me.running.take() {
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
                .find_map(|level| level.waiting.pop());
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
            level.waiting.clear(into);
        }
    }

    /// Wakes or starts a worker if there are too few searching ones.
    pub(super) fn request_worker(&mut self, max_threads: usize) -> Action {
        let is_needed = self.takeable(max_threads) > self.searching
            || self.searching == 0 && !self.has_watcher && self.is_stuck(max_threads);
        if !is_needed {
            return Action::Nothing;
        }
        if let Some(sleeper) = self.sleepers.pop() {
            self.searching += 1;
            self.has_watcher &= !sleeper.is_watcher;
            return Action::Wake(sleeper.thread);
        }
        self.threads += 1;
        self.searching += 1;
        Action::Spawn
    }

    /// Takes a sleeper off the stack; `false` if it has been woken.
    pub(super) fn withdraw_sleeper(&mut self, id: usize) -> bool {
        let place = self.sleepers.iter().rposition(|other| other.id == id);
        place.map(|place| self.sleepers.remove(place)).is_some()
    }
}

/// One worker, as the dispatch knows it.
pub struct WorkerState {
    pub(super) id: usize,
    pub(super) searching: bool,
    /// The level of the job that it runs, and whether the job was taken as an extra.
    pub(super) running: Option<(usize, bool)>,
    /// It was the watcher and the deadlock timeout has expired.
    pub(super) is_extra_due: bool,
}

impl WorkerState {
    /// Whether its job was taken as an extra.
    pub fn is_extra(&self) -> bool {
        self.running.is_some_and(|(_, is_extra)| is_extra)
    }
}
