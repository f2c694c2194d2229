//! Jobs in a row, of which some were withdrawn: the queue, and the line before it.

use std::collections::VecDeque;

use crate::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// So many husks are left where they are, however few jobs there are.
const FEW: usize = 16;

/// Something with a place in the queue.
pub(crate) trait Queued {
    fn place(&self) -> &Place;
}

/// Where a job is. Read and written under the lock of its dispatch only.
pub(crate) struct Place {
    state: AtomicU8,
    level: AtomicUsize,
}

const OUTSIDE: u8 = 0;
pub(super) const LINE: u8 = 1;
pub(super) const QUEUED: u8 = 2;
pub(super) const TAKEN: u8 = 3;
const CANCELLED: u8 = 4;

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU8::new(OUTSIDE),
            level: AtomicUsize::new(0),
        }
    }

    pub(super) fn is(&self, place: u8) -> bool {
        self.state.load(Ordering::Relaxed) == place
    }

    /// How many calls of the same offload wait for this one, directly or not.
    pub(super) fn level(&self) -> usize {
        self.level.load(Ordering::Relaxed)
    }

    pub(super) fn set_level(&self, level: usize) {
        self.level.store(level, Ordering::Relaxed);
    }

    pub(super) fn set(&self, place: u8) {
        self.state.store(place, Ordering::Relaxed);
    }
}

/// Jobs in order, with husks among them.
pub(super) struct Lane<J> {
    jobs: VecDeque<J>,
    husks: usize,
}

impl<J: Queued> Lane<J> {
    pub(super) fn new() -> Self {
        let (jobs, husks) = (VecDeque::new(), 0);
        Self { jobs, husks }
    }

    pub(super) fn live(&self) -> usize {
        self.jobs.len() - self.husks
    }

    pub(super) fn push(&mut self, job: J, place: u8) {
        job.place().set(place);
        self.jobs.push_back(job);
    }

    pub(super) fn pop(&mut self) -> Option<J> {
        loop {
            let job = self.jobs.pop_front()?;
            if job.place().is(CANCELLED) {
                // Empty: who withdrew it has what was in it, or will in a moment.
                self.husks -= 1;
                continue;
            }
            return Some(job);
        }
    }

    pub(super) fn withdraw(&mut self, place: &Place) {
        place.set(CANCELLED);
        self.husks += 1;
        if self.husks > self.live() + FEW {
            self.jobs.retain(|job| !job.place().is(CANCELLED));
            self.husks = 0;
        }
    }

    /// Takes a live job out of the middle.
    pub(super) fn take(&mut self, place: &Place) -> Option<J> {
        // It came last, most likely.
        let is_it = |job: &J| std::ptr::eq(job.place(), place);
        let at = self.jobs.iter().rposition(is_it)?;
        self.jobs.remove(at)
    }

    /// The youngest job first.
    pub(super) fn pop_last(&mut self) -> Option<J> {
        loop {
            let job = self.jobs.pop_back()?;
            if !job.place().is(CANCELLED) {
                return Some(job);
            }
            self.husks -= 1;
        }
    }

    pub(super) fn clear(&mut self, into: &mut Vec<J>) {
        while let Some(job) = self.pop() {
            job.place().set(TAKEN);
            into.push(job);
        }
    }
}
