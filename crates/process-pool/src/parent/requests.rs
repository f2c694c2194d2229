//! Requests of a handle to the pool's state: take the result, register a waiter, cancel or kill the
//! job.

use std::mem;
use std::task::Waker;

use super::batch::{JobKey, Sink};
use super::callbacks::Callback;
use super::job_table::{JobEntry, Stage, Waiter, Wake};
use super::map_results::RawResult;
use super::state::State;
use super::worker_link::link::KillReason;
use crate::error::JobError;
use crate::transport::layout::SLOTS;

impl State {
    /// Registers the waiter of a job. The waiter that it replaces is dropped after the lock is
    /// released. If the job has ended, the new waiter is returned.
    #[must_use]
    pub(crate) fn watch(&mut self, key: JobKey, waiter: Waiter) -> Option<Waiter> {
        let wants = waiter.needs_supervisor();
        let old = match self.jobs.get(key) {
            Some(entry) if !matches!(entry.stage, Stage::Ended(_)) => {
                mem::replace(&mut entry.waiter, waiter)
            }
            _ => return Some(waiter),
        };
        if wants && !old.needs_supervisor() {
            self.add_watcher();
        } else if !wants && old.needs_supervisor() {
            self.watchers -= 1;
        }
        if old.runs_user_code() {
            self.wakes.push(Wake::Drop(old));
        }
        None
    }

    /// Takes the result if the job has ended, and frees its table entry.
    pub(crate) fn take_result(&mut self, key: JobKey) -> Option<RawResult> {
        if !self.has_ended(key) {
            return None;
        }
        match self.jobs.remove(key)?.stage {
            Stage::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// The progress of a job that has not ended.
    pub(crate) fn stage(&mut self, key: JobKey) -> Option<Stage> {
        match self.jobs.get(key)?.stage {
            Stage::Queued => Some(Stage::Queued),
            Stage::Assigned { worker, batch } => Some(Stage::Assigned { worker, batch }),
            Stage::Ended(_) => None,
        }
    }

    pub(crate) fn has_ended(&mut self, key: JobKey) -> bool {
        self.jobs
            .get(key)
            .is_some_and(|entry| matches!(entry.stage, Stage::Ended(_)))
    }

    /// Takes the result, or registers the waker of the task.
    pub(crate) fn poll(&mut self, key: JobKey, waker: Waker) -> Option<RawResult> {
        let late = self.watch(key, Waiter::Task(waker));
        self.wakes.extend(late.map(Wake::Drop));
        self.dispatch();
        self.take_result(key)
    }

    /// Calls the callback now or when the job ends.
    pub(crate) fn call_back(&mut self, key: JobKey, callback: Callback) {
        let late = self.watch(key, Waiter::Callback(callback));
        match (late, self.take_result(key)) {
            (Some(Waiter::Callback(callback)), Some(outcome)) => {
                self.wakes.push(Wake::Callback(callback, outcome));
            }
            _ => self.dispatch(),
        }
    }

    /// Handles the drop of a handle. Returns the result, so that it is dropped after the lock is
    /// released.
    pub(crate) fn detach(&mut self, key: JobKey) -> Option<RawResult> {
        let outcome = self.take_result(key);
        if outcome.is_none() {
            let _ = self.watch(key, Waiter::Detached);
        }
        outcome
    }

    /// Cancels a job that has not started.
    pub(crate) fn cancel(&mut self, key: JobKey) -> bool {
        let Some(entry) = self.jobs.get(key) else {
            return false;
        };
        match entry.stage {
            Stage::Ended(_) => return false,
            Stage::Queued => {
                self.deliver(&Sink::Job(key), 0, Err(JobError::Cancelled));
                self.note_cancelled();
                return true;
            }
            Stage::Assigned { worker, batch } => {
                let link = self.workers[worker].as_mut();
                if link.and_then(|link| link.withdraw_one(batch)).is_none() {
                    return false;
                }
            }
        }
        self.deliver(&Sink::Job(key), 0, Err(JobError::Cancelled));
        true
    }

    /// Cancels a job, or kills the worker that runs it.
    pub(crate) fn kill(&mut self, key: JobKey) -> bool {
        if self.cancel(key) {
            return true;
        }
        let Some(JobEntry {
            stage: Stage::Assigned { worker, batch },
            ..
        }) = self.jobs.get(key)
        else {
            return false;
        };
        let (worker, batch) = (*worker, *batch);
        let killed = self.kill_running(worker, batch, KillReason::Killed);
        self.dispatch();
        killed
    }

    /// Kills the worker if it still runs this batch, after taking back the batches that it has not
    /// started.
    pub(crate) fn kill_running(
        &mut self,
        worker: usize,
        batch: u64,
        kill_reason: KillReason,
    ) -> bool {
        // Uncollected results precede it in the ring.
        self.collect_from(worker);
        let Some(link) = self.workers[worker].as_mut() else {
            return false;
        };
        let Some((_, _, attempt)) = link.running().filter(|(number, ..)| *number == batch) else {
            return false;
        };
        let back = link.withdraw(SLOTS);
        let killed = link.kill_for(batch, attempt.input, kill_reason);
        self.requeue(back);
        killed
    }
}
