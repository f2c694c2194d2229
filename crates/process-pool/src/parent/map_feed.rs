//! The inputs of a `map`, fed to the pool a few batches at a time, so that only those exist as
//! bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::batch::Batch;
use super::map_results::MapResults;
use super::shared::Shared;
use crate::error::{Broken, JobError};

/// The maximum number of batches per worker that are sent and unfinished: the two that the worker
/// holds, and two ready to replace them.
const AHEAD: usize = 4;

/// A `map` whose inputs have all been accepted, so that closing the pool does not cut it short.
/// While it lives, the supervisor is notified of finished batches.
pub(crate) struct MapFeed<'a> {
    shared: &'a Shared,
    results: &'a Arc<MapResults>,
    /// Inputs neither sent nor refused yet.
    left: usize,
    /// The sizes of the latest batches, at most `ahead` of them.
    recent: VecDeque<usize>,
    ahead: usize,
}

impl<'a> MapFeed<'a> {
    /// Has the pool accept all inputs.
    ///
    /// # Errors
    /// If the pool is closed; with the reason if it is broken.
    pub(crate) fn open(
        shared: &'a Shared,
        workers: usize,
        results: &'a Arc<MapResults>,
        inputs: usize,
    ) -> Result<Self, Option<Broken>> {
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
            results,
            left: inputs,
            recent: VecDeque::new(),
            ahead: AHEAD * workers,
        })
    }

    /// Sends a batch, after waiting while too many are unfinished.
    pub(crate) fn send(&mut self, batch: Batch) {
        if self.recent.len() == self.ahead {
            let all: usize = self.recent.iter().sum();
            if self.results.unfinished() > all - self.recent[0] {
                // Waits for half of them, so that this thread does not wake for each.
                self.results
                    .wait_until_at_most(self.recent.iter().skip(self.ahead / 2).sum());
            }
            self.recent.pop_front();
        }
        let count = batch.count as usize;
        self.recent.push_back(count);
        self.left -= count;
        self.results.add(count);
        self.shared.with(|state| state.accept_reserved(batch));
    }

    /// Sets the error of an input that cannot be sent.
    pub(crate) fn refuse(&mut self, index: usize, error: JobError) {
        self.left -= 1;
        self.results.add(1);
        // This thread is the only possible waiter.
        let _ = self.results.put(index, Err(error));
        self.shared.with(|state| state.release(1));
    }
}

impl Drop for MapFeed<'_> {
    fn drop(&mut self) {
        let left = self.left;
        self.shared.with(|state| {
            state.watchers -= 1;
            state.release(left);
        });
    }
}
