//! The inputs of a map on their way into the pool: not all at once, so that they need not all be there as bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Shared;
use super::unit::{Group, Unit};
use crate::{Broken, JobError, ProcessPool};

/// So many units, for each worker, may be handed in and not ended: two that the worker has, and others that are at hand
/// when it gives one back.
const AHEAD: usize = 4;

/// A map that has been accepted, with all its inputs: closing the pool does not cut it short. While it lives, the supervisor
/// hears of the ends of units.
pub(crate) struct Feed<'a> {
    shared: &'a Shared,
    group: &'a Arc<Group>,
    /// How many inputs have neither been handed in nor refused.
    left: usize,
    /// How many inputs the latest units had, and how many of them to keep.
    recent: VecDeque<usize>,
    ahead: usize,
}

impl<'a> Feed<'a> {
    /// Has that many inputs accepted.
    ///
    /// # Errors
    /// If the pool is closed; why, if it is broken.
    pub(crate) fn open(
        pool: &'a ProcessPool,
        group: &'a Arc<Group>,
        inputs: usize,
    ) -> Result<Self, Option<Broken>> {
        let shared = pool.shared();
        shared.with(|state| {
            if state.closed {
                return Err(state.broken.clone());
            }
            state.reserve(inputs);
            state.add_watcher();
            Ok(())
        })?;
        Ok(Self {
            shared,
            group,
            left: inputs,
            recent: VecDeque::new(),
            ahead: AHEAD * pool.workers(),
        })
    }

    /// Hands in a unit. Waits before that if there are many.
    pub(crate) fn send(&mut self, unit: Unit) {
        if self.recent.len() == self.ahead {
            let all: usize = self.recent.iter().sum();
            if self.group.unended() > all - self.recent[0] {
                // Half of them, so that this thread does not wake for each.
                self.group
                    .wait_until_at_most(self.recent.iter().skip(self.ahead / 2).sum());
            }
            self.recent.pop_front();
        }
        let count = unit.count as usize;
        self.recent.push_back(count);
        self.left -= count;
        self.group.add(count);
        self.shared.with(|state| state.accept_reserved(unit));
    }

    /// An input that cannot travel has its error at once.
    pub(crate) fn refuse(&mut self, place: usize, error: JobError) {
        self.left -= 1;
        self.group.add(1);
        // This thread is the one that would be woken.
        let _ = self.group.put(place, Err(error));
        self.shared.with(|state| state.release(1));
    }
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        let left = self.left;
        self.shared.with(|state| {
            state.watchers -= 1;
            state.release(left);
        });
    }
}
