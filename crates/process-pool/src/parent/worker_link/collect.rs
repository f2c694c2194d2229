//! The collection of a worker's finished batches.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::head_watch::HeadWatch;
use super::link::{InFlight, WorkerLink};
use crate::error::JobError;
use crate::parent::batch::{Batch, Sink};
use crate::parent::map_results::RawResult;
use crate::parent::result_reader::ResultReader;
use crate::transport::layout::SLOTS;
use crate::transport::slot::Collect;

/// A result and its destination.
pub(crate) type Delivery = (Sink, usize, RawResult);

/// The yield of a worker's rings.
#[derive(Default)]
pub(crate) struct Harvest {
    pub(crate) deliveries: Vec<Delivery>,
    /// The unfinished rest of batches.
    pub(crate) rest: Vec<Batch>,
    /// Descriptors from a worker that belong to no result. They are closed after the lock is
    /// released.
    pub(crate) rejected: Vec<OwnedFd>,
}

impl Harvest {
    pub(super) fn end(&mut self, sink: &Sink, index: u32, outcome: RawResult) {
        self.deliveries
            .push((sink.clone(), index as usize, outcome));
    }
}

impl WorkerLink {
    /// Collects finished batches.
    ///
    /// # Errors
    /// How the worker broke the protocol. The batch that shows it has been dealt with.
    pub(crate) fn collect(&mut self, harvest: &mut Harvest) -> Result<(), String> {
        let before = self.head;
        let mut result = Ok(());
        while let Some(InFlight { batch, .. }) = self.in_flight.front_mut() {
            let slot = &self.region.slots[self.head as usize % SLOTS];
            match slot.collect() {
                Collect::Done => match batch.take() {
                    Some(batch) => {
                        self.unfinished -= 1;
                        self.pop();
                        let region = Arc::clone(&self.region);
                        let slot = &region.slots[self.head as usize % SLOTS];
                        result = self.read(slot.results(), batch, true, harvest);
                        self.next();
                    }
                    None => result = Err("it finished a withdrawn batch".to_owned()),
                },
                Collect::Passed if batch.is_none() => {
                    self.pop();
                    self.next();
                }
                Collect::Passed | Collect::Nonsense => {
                    result = Err("a slot in an unknown state".to_owned());
                }
                Collect::Waiting | Collect::Running | Collect::Withdrawn => break,
            }
            if result.is_err() {
                break;
            }
        }
        if self.head != before {
            self.region
                .parent
                .0
                .collected
                .store(self.head, Ordering::Release);
        }
        result
    }

    fn pop(&mut self) {
        if let Some(held) = self.in_flight.pop_front() {
            self.input_used -= held.words;
            self.messages -= usize::from(held.descriptors > 0);
            self.descriptors -= held.descriptors;
        }
    }

    fn next(&mut self) {
        self.slot(self.head).clear();
        self.head += 1;
        self.head_watch = HeadWatch::default();
    }

    /// Reads the results of a batch that are there. The rest of a finished batch is queued again.
    pub(super) fn read(
        &mut self,
        (done, words): (u32, u32),
        mut batch: Batch,
        finished: bool,
        harvest: &mut Harvest,
    ) -> Result<(), String> {
        let sink = batch.sink.clone();
        // The first input of a batch always runs, unless the parent has set `stop`. A batch that
        // finished without a result for it would be queued again without end.
        let may_be_empty = batch.count > 1 && self.head < self.stop_seen_before;
        let mut next = 0;
        let read = (|| {
            if done > batch.count || (finished && done == 0 && !may_be_empty) {
                return Err(format!("{done} results of {} inputs", batch.count));
            }
            let Harvest {
                deliveries,
                rejected,
                ..
            } = &mut *harvest;
            let socket = &self.process.socket;
            let mut results =
                ResultReader::new(&self.region, socket, self.output, words, rejected)?;
            while next < done {
                // A batch of one input needs its input bytes no longer.
                let spare = if batch.count == 1 {
                    std::mem::take(&mut batch.bytes)
                } else {
                    Vec::new()
                };
                let outcome = results.next(spare)?;
                deliveries.push((sink.clone(), next as usize, outcome));
                next += 1;
            }
            results.finish()
        })();
        match read {
            Ok(end) => {
                self.output = end;
                self.has_finished_job |= done > 0;
                if finished {
                    harvest.rest.extend(batch.skip(done));
                } else {
                    // For the caller to see how far it came.
                    harvest.rest.push(batch);
                }
                Ok(())
            }
            Err(why) => {
                for index in next..batch.count {
                    harvest.end(&sink, index, Err(JobError::Corrupted(why.clone())));
                }
                Err(why)
            }
        }
    }
}
