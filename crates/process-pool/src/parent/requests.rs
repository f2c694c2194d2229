//! What a handle asks of the state: its result, to be told of it, that its job be cancelled or killed.

use std::mem;
use std::task::Waker;

use super::jobs::{Callback, Entry, Key, Stage, Waiter, Wake};
use super::lane::Verdict;
use super::state::State;
use super::unit::{Outcome, Sink};
use crate::JobError;
use crate::transport::layout::SLOTS;

impl State {
    /// Sets who wants to know of the end of a job. Whom that replaces is dropped when the lock is released; who comes too
    /// late comes back.
    #[must_use]
    pub(crate) fn watch(&mut self, key: Key, waiter: Waiter) -> Option<Waiter> {
        let wants = waiter.wants_events();
        let old = match self.jobs.get(key) {
            Some(entry) if !matches!(entry.stage, Stage::Ended(_)) => {
                mem::replace(&mut entry.waiter, waiter)
            }
            _ => return Some(waiter),
        };
        if wants && !old.wants_events() {
            self.add_watcher();
        } else if !wants && old.wants_events() {
            self.watchers -= 1;
        }
        if old.is_the_users() {
            self.wakes.push(Wake::Drop(old));
        }
        None
    }

    /// The result, if the job has ended, and its place is free again.
    pub(crate) fn take_result(&mut self, key: Key) -> Option<Outcome> {
        if !self.has_ended(key) {
            return None;
        }
        match self.jobs.remove(key)?.stage {
            Stage::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// What the job is doing, but for its end.
    pub(crate) fn stage(&mut self, key: Key) -> Option<Stage> {
        match self.jobs.get(key)?.stage {
            Stage::Queued => Some(Stage::Queued),
            Stage::Lane { lane, unit } => Some(Stage::Lane { lane, unit }),
            Stage::Ended(_) => None,
        }
    }

    pub(crate) fn has_ended(&mut self, key: Key) -> bool {
        self.jobs
            .get(key)
            .is_some_and(|entry| matches!(entry.stage, Stage::Ended(_)))
    }

    /// The result, or the task is woken when it is there. Also returned is what is to be dropped without the lock.
    pub(crate) fn poll(&mut self, key: Key, waker: Waker) -> Option<Outcome> {
        let late = self.watch(key, Waiter::Task(waker));
        self.wakes.extend(late.map(Wake::Drop));
        self.settle();
        self.take_result(key)
    }

    /// Has the callback called, now or later.
    pub(crate) fn call_back(&mut self, key: Key, callback: Callback) {
        let late = self.watch(key, Waiter::Callback(callback));
        match (late, self.take_result(key)) {
            (Some(Waiter::Callback(callback)), Some(outcome)) => {
                self.wakes.push(Wake::Callback(callback, outcome));
            }
            _ => self.settle(),
        }
    }

    /// The handle is gone. Returned is what need not be dropped under the lock.
    pub(crate) fn detach(&mut self, key: Key) -> Option<Outcome> {
        let outcome = self.take_result(key);
        if outcome.is_none() {
            let _ = self.watch(key, Waiter::Detached);
        }
        outcome
    }

    /// Cancels a job that has not begun.
    pub(crate) fn cancel(&mut self, key: Key) -> bool {
        let Some(entry) = self.jobs.get(key) else {
            return false;
        };
        match entry.stage {
            Stage::Ended(_) => return false,
            Stage::Queued => {
                self.deliver(&Sink::Job(key), 0, Err(JobError::Cancelled));
                self.has_gone_stale();
                return true;
            }
            Stage::Lane { lane, unit } => {
                let lane = self.lanes[lane].as_mut();
                if lane.and_then(|lane| lane.withdraw_one(unit)).is_none() {
                    return false;
                }
            }
        }
        self.deliver(&Sink::Job(key), 0, Err(JobError::Cancelled));
        true
    }

    /// Cancels a job, or kills the worker that runs it.
    pub(crate) fn kill(&mut self, key: Key) -> bool {
        if self.cancel(key) {
            return true;
        }
        let Some(Entry {
            stage: Stage::Lane { lane: place, unit },
            ..
        }) = self.jobs.get(key)
        else {
            return false;
        };
        let (place, unit) = (*place, *unit);
        let killed = self.kill_running(place, unit, Verdict::Killed);
        self.settle();
        killed
    }

    /// Kills the worker if it still runs that unit, after it has given back what it has not begun.
    pub(crate) fn kill_running(&mut self, place: usize, unit: u64, verdict: Verdict) -> bool {
        // Results that nobody has asked for stand before it.
        self.tend(place);
        let Some(lane) = self.lanes[place].as_mut() else {
            return false;
        };
        let Some((_, _, attempt)) = lane.running().filter(|(number, ..)| *number == unit) else {
            return false;
        };
        let back = lane.withdraw(SLOTS);
        let killed = lane.kill_for(unit, attempt.input, verdict);
        self.requeue(back);
        killed
    }
}
