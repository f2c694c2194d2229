//! The assignment of batches to workers.

use std::io;
use std::mem;

use super::batch::{Batch, Sink};
use super::intervals::{CONGESTION, SERIES};
use super::job_table::Stage;
use super::state::State;
use super::worker_link::link::Refused;
use crate::error::JobError;
use crate::transport::layout::SLOTS;

/// The maximum number of chunks of a map per worker: one running and the next one ready. The others
/// stay in the queue for the first free worker.
const CHUNKS: usize = 2;

impl State {
    /// Assigns a batch to the least loaded worker, or returns it if no worker can take it.
    pub(super) fn assign(&mut self, batch: Batch) -> Option<Batch> {
        let max = match batch.sink {
            Sink::Map(..) => CHUNKS,
            Sink::Job(_) => SLOTS,
        };
        let descriptors = batch.descriptors.len();
        let takes_slow = !self.has_fast_worker();
        let open = self
            .workers
            .iter()
            .enumerate()
            .filter_map(|(worker, link)| {
                let link = link.as_ref()?;
                let takes_it = link.unfinished() < max
                    && link.is_open()
                    && link.takes_descriptors(descriptors)
                    && (takes_slow || !link.is_slow());
                takes_it.then_some((worker, link))
            });
        let Some((worker, _)) = open.min_by_key(|(_, link)| (link.unfinished(), !link.is_awake))
        else {
            return Some(batch);
        };
        let (sink, time_limit) = (batch.sink.clone(), batch.time_limit);
        let link = self.workers[worker].as_mut()?;
        // A batch that joins others belongs to a series; this saves a look at the clock.
        let hot =
            link.unfinished() > 0 || self.last_result.is_some_and(|last| last.elapsed() < SERIES);
        match link.push(batch, hot) {
            Ok(batch) => {
                link.ring();
                self.set_stage(&sink, Stage::Assigned { worker, batch });
                if let Some(time_limit) = time_limit {
                    self.check_within(time_limit);
                }
                None
            }
            Err(Refused::Full(batch)) => Some(batch),
            Err(Refused::Congested(batch)) => {
                self.is_congested = true;
                self.check_within(CONGESTION);
                Some(batch)
            }
            Err(Refused::Failed(batch, error)) => {
                for index in 0..batch.count as usize {
                    let error = same_error(&error);
                    self.deliver(&batch.sink, index, Err(JobError::Transport(error)));
                }
                None
            }
        }
    }

    /// Whether some worker makes progress. New batches then wait for such workers and avoid slow
    /// ones.
    pub(super) fn has_fast_worker(&self) -> bool {
        let mut workers = self.workers.iter().flatten();
        workers.any(|link| !link.is_slow() && link.accepts_batches())
    }

    pub(super) fn needs_dispatch(&self) -> bool {
        self.watchers > 0 || !self.queue.is_empty() || self.closed || self.workers.len() > 1
    }

    /// Assigns queued batches, and arms the bells for the events that the supervisor must handle.
    pub(crate) fn dispatch(&mut self) {
        loop {
            self.assign_queued();
            let backlog = !self.queue.is_empty();
            let events = self.watchers > 0 || backlog || self.closed;
            let is_uneven = self
                .workers
                .iter()
                .flatten()
                .any(|link| link.unfinished() > 1)
                && self.workers.len() > 1;
            let mut changed = false;
            for worker in 0..self.workers.len() {
                let Some(link) = &self.workers[worker] else {
                    continue;
                };
                if link.is_empty() {
                    continue;
                }
                let bells = &link.region.bells.0;
                let bells = [(events, &bells.event), (is_uneven, &bells.idle)];
                let mut armed = false;
                for (_, bell) in bells
                    .into_iter()
                    .filter(|(needed, bell)| *needed && !bell.is_armed())
                {
                    bell.arm();
                    armed = true;
                }
                // Events before the arming rang no bell.
                changed |= armed && self.collect_from(worker);
            }
            if is_uneven {
                changed |= self.share_with_idle();
                // Batches behind a long one must be taken back later.
                self.wake_supervisor |= !mem::replace(&mut self.is_rebalancing, true);
            }
            if !changed {
                break;
            }
        }
    }

    fn assign_queued(&mut self) {
        while let Some(batch) = self.queue.pop_front() {
            if !self.is_wanted(&batch) {
                self.cancelled_in_queue = self.cancelled_in_queue.saturating_sub(1);
                continue;
            }
            if let Some(batch) = self.assign(batch) {
                self.queue.push_front(batch);
                break;
            }
        }
    }

    /// Takes half of the batches of the most loaded worker, if another worker is idle.
    fn share_with_idle(&mut self) -> bool {
        if !self.queue.is_empty()
            || !self
                .workers
                .iter()
                .flatten()
                .any(|link| link.unfinished() == 0 && link.is_open() && !link.is_slow())
        {
            return false;
        }
        let busiest = self
            .workers
            .iter_mut()
            .flatten()
            .max_by_key(|link| link.unfinished());
        let Some(busiest) = busiest.filter(|link| link.unfinished() > 1) else {
            return false;
        };
        let back = busiest.withdraw(busiest.unfinished() / 2);
        let is_shared = !back.is_empty();
        self.requeue(back);
        is_shared
    }
}

/// Copies an I/O error, which cannot be cloned: by its number, or else by its kind.
fn same_error(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => error.kind().into(),
    }
}
