//! Rebalancing: batches queued behind a long one, or at a worker that is stopped, go to other
//! workers.

use std::time::Instant;

use super::intervals::SWEEP;
use super::state::State;
use super::worker_link::head_watch::LONG;
use super::worker_link::link::{KillReason, WorkerLink};
use crate::transport::layout::SLOTS;

impl State {
    /// Takes batches from slow workers for those that make progress, and kills workers that never
    /// claim a batch. Returns when to check again.
    pub(super) fn rebalance(&mut self, now: Instant) -> Option<Instant> {
        for worker in 0..self.workers.len() {
            if let Some(link) = &mut self.workers[worker] {
                link.note_head(now);
                if link.is_slow() && link.is_unclaimed() && !link.is_ready() {
                    // A Ctrl-Z may have hit the worker at the moment it joined its own process
                    // group, which `fg` does not continue.
                    link.process.resume();
                }
                if link.is_stuck() && link.accepts_batches() {
                    let back = link.withdraw(SLOTS);
                    // It may have claimed one by now.
                    if link.unfinished() == 0 {
                        link.kill(KillReason::Killed);
                    }
                    self.requeue(back);
                }
            }
        }
        let has_others = self.workers.len() > 1 && self.has_fast_worker();
        if has_others {
            for worker in 0..self.workers.len() {
                let link = self.workers[worker].as_mut();
                if let Some(link) = link.filter(|link| link.is_slow() && link.accepts_batches()) {
                    let back = link.withdraw(SLOTS);
                    self.requeue(back);
                }
            }
        }
        self.dispatch();
        let workers = || self.workers.iter().flatten();
        if has_others && workers().any(|link| link.waiting() > 0) {
            return now.checked_add(LONG);
        }
        // If all are slow, no bell announces the first that finishes.
        let is_shared = self.workers.len() > 1;
        let needs_check =
            |link: &WorkerLink| is_shared && link.waiting() > 0 || link.is_unclaimed();
        workers().any(needs_check).then(|| now + SWEEP)
    }
}
