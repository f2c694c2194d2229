//! The table of jobs that have a handle, and their waiters.

use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::thread::Thread;

use super::batch::JobKey;
use super::callbacks::{Callback, Callbacks};
use super::map_results::RawResult;
use crate::finished_queue::FinishedQueue;
use crate::panic::{catch, drop_quietly};

/// The progress of a job.
pub(crate) enum Stage {
    /// In the queue of the pool.
    Queued,
    /// In a worker's ring, started or not.
    Assigned {
        worker: usize,
        batch: u64,
    },
    Ended(RawResult),
}

/// The party to notify when the job has ended.
pub(crate) enum Waiter {
    None,
    Thread(Thread),
    Task(Waker),
    Queue(Arc<FinishedQueue>, usize),
    Callback(Callback),
    /// The handle was dropped.
    Detached,
}

impl Waiter {
    /// Whether the supervisor must watch for the end of the job.
    pub(crate) fn needs_supervisor(&self) -> bool {
        !matches!(self, Self::None | Self::Detached)
    }

    /// Whether dropping it runs user code.
    pub(crate) fn runs_user_code(&self) -> bool {
        matches!(self, Self::Task(_) | Self::Callback(_))
    }
}

pub(crate) struct JobEntry {
    pub(crate) stage: Stage,
    pub(crate) waiter: Waiter,
}

#[derive(Default)]
pub(crate) struct JobTable {
    entries: Vec<(u32, Option<JobEntry>)>,
    free: Vec<u32>,
}

impl JobTable {
    pub(crate) fn insert(&mut self, entry: JobEntry) -> JobKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push((0, None));
            // Memory runs out before 2^32 jobs are live at once.
            (self.entries.len() - 1) as u32
        });
        let (generation, held) = &mut self.entries[index as usize];
        *held = Some(entry);
        JobKey {
            index,
            generation: *generation,
        }
    }

    pub(crate) fn get(&mut self, key: JobKey) -> Option<&mut JobEntry> {
        let (generation, entry) = self.entries.get_mut(key.index as usize)?;
        if *generation == key.generation {
            entry.as_mut()
        } else {
            None
        }
    }

    pub(crate) fn remove(&mut self, key: JobKey) -> Option<JobEntry> {
        let (generation, entry) = self.entries.get_mut(key.index as usize)?;
        if *generation != key.generation {
            return None;
        }
        let entry = entry.take()?;
        *generation = generation.wrapping_add(1);
        self.free.push(key.index);
        Some(entry)
    }
}

/// A notification to send once the lock is released, because it may run user code.
pub(crate) enum Wake {
    Thread(Thread),
    Task(Waker),
    Queue(Arc<FinishedQueue>, usize),
    Callback(Callback, RawResult),
    /// A waiter to drop: it was replaced.
    Drop(Waiter),
}

impl Wake {
    pub(crate) fn fire(self, callbacks: &Callbacks) {
        match self {
            Self::Thread(thread) => thread.unpark(),
            Self::Queue(finished, index) => finished.push(index),
            // Wakers and callbacks are user code. The panic hook has printed their panics, which
            // end here.
            Self::Task(waker) => drop(catch(|| waker.wake())),
            Self::Callback(callback, outcome) => callbacks.call(callback, outcome),
            Self::Drop(waiter) => drop_quietly(waiter),
        }
    }
}

impl JobEntry {
    /// Ends the job, and returns the notification to send, if any.
    pub(crate) fn end(&mut self, outcome: RawResult) -> Option<Wake> {
        let waiter = mem::replace(&mut self.waiter, Waiter::None);
        let wake = match waiter {
            Waiter::Callback(callback) => {
                self.waiter = Waiter::Detached;
                return Some(Wake::Callback(callback, outcome));
            }
            Waiter::Detached => {
                self.waiter = Waiter::Detached;
                None
            }
            Waiter::None => None,
            Waiter::Thread(thread) => Some(Wake::Thread(thread)),
            Waiter::Task(waker) => Some(Wake::Task(waker)),
            Waiter::Queue(finished, index) => Some(Wake::Queue(finished, index)),
        };
        self.stage = Stage::Ended(outcome);
        wake
    }

    /// Whether no handle can ask for the result any more.
    pub(crate) fn is_detached(&self) -> bool {
        matches!(self.waiter, Waiter::Detached)
    }
}
