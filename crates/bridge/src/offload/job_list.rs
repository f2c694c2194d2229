//! A FIFO of jobs in which withdrawn ones leave tombstones: the queue, and the waiting list before
//! it.
#![allow(missing_docs, unreachable_pub, reason = "public for the model checks")]

use std::collections::VecDeque;

use crate::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// A list with at most this many tombstones is never swept.
const MIN_SWEEP: usize = 16;

/// A job as the lists see it.
pub trait Queued {
    fn entry(&self) -> &EntryState;
}

/// The position of a job: which list it is in, if any, and its nesting level. Only accessed under
/// the lock of the dispatch, so relaxed atomics suffice.
pub struct EntryState {
    state: AtomicU8,
    level: AtomicUsize,
}

const OUTSIDE: u8 = 0;
pub(super) const WAITING: u8 = 1;
pub(super) const QUEUED: u8 = 2;
pub(super) const TAKEN: u8 = 3;
const CANCELLED: u8 = 4;

impl EntryState {
    pub fn new() -> Self {
        Self {
            state: AtomicU8::new(OUTSIDE),
            level: AtomicUsize::new(0),
        }
    }

    pub(super) fn is(&self, state: u8) -> bool {
        self.state.load(Ordering::Relaxed) == state
    }

    /// How many jobs of the same offload wait for this one, directly or not.
    pub(super) fn level(&self) -> usize {
        self.level.load(Ordering::Relaxed)
    }

    pub(super) fn set_level(&self, level: usize) {
        self.level.store(level, Ordering::Relaxed);
    }

    pub(super) fn set(&self, state: u8) {
        self.state.store(state, Ordering::Relaxed);
    }
}

pub(super) struct JobList<J> {
    jobs: VecDeque<J>,
    tombstones: usize,
}

impl<J: Queued> JobList<J> {
    pub(super) fn new() -> Self {
        let (jobs, tombstones) = (VecDeque::new(), 0);
        Self { jobs, tombstones }
    }

    pub(super) fn live(&self) -> usize {
        self.jobs.len() - self.tombstones
    }

    pub(super) fn push(&mut self, job: J, state: u8) {
        job.entry().set(state);
        self.jobs.push_back(job);
    }

    pub(super) fn pop(&mut self) -> Option<J> {
        loop {
            let job = self.jobs.pop_front()?;
            if job.entry().is(CANCELLED) {
                // The caller that withdrew the job also drops its closure.
                self.tombstones -= 1;
                continue;
            }
            return Some(job);
        }
    }

    pub(super) fn withdraw(&mut self, entry: &EntryState) {
        entry.set(CANCELLED);
        self.tombstones += 1;
        if self.tombstones > self.live() + MIN_SWEEP {
            self.jobs.retain(|job| !job.entry().is(CANCELLED));
            self.tombstones = 0;
        }
    }

    /// Removes a live job from the middle.
    pub(super) fn take(&mut self, entry: &EntryState) -> Option<J> {
        // From the back: most likely it was pushed last.
        let is_it = |job: &J| std::ptr::eq(job.entry(), entry);
        let at = self.jobs.iter().rposition(is_it)?;
        self.jobs.remove(at)
    }

    /// Removes the youngest job.
    pub(super) fn pop_last(&mut self) -> Option<J> {
        loop {
            let job = self.jobs.pop_back()?;
            if !job.entry().is(CANCELLED) {
                return Some(job);
            }
            self.tombstones -= 1;
        }
    }

    pub(super) fn clear(&mut self, into: &mut Vec<J>) {
        while let Some(job) = self.pop() {
            job.entry().set(TAKEN);
            into.push(job);
        }
    }
}
