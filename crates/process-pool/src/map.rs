use std::borrow::Borrow;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::parent::unit::{Group, Sink, Unit, begin_input, end_input};
use crate::pool::{Packed, value};
use crate::transport::layout::SPILL;
use crate::{Job, JobError, ProcessPool, SubmitError, codec};

/// A chunk takes this part of what is left, for each worker: large at first, which is cheap, and small at the end, where
/// nobody should wait for a chunk of somebody else's. Guided self-scheduling: Polychronopoulos and Kuck, *IEEE Transactions
/// on Computers*, 1987.
const SHARE: usize = 4;
/// The most inputs of a chunk of our own choice.
const MOST: usize = 1_024;
/// The most bytes of inputs of a chunk. A larger input travels alone.
const MOST_BYTES: usize = SPILL / 2;

/// A `map` with settings. Made by [`ProcessPool::mapping`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a map is done by `run`"]
pub struct Mapping<'a> {
    pool: &'a ProcessPool,
    limit: Option<Duration>,
    chunk: Option<NonZeroUsize>,
}

impl<'a> Mapping<'a> {
    pub(crate) fn new(pool: &'a ProcessPool, limit: Option<Duration>) -> Self {
        Self {
            pool,
            limit,
            chunk: None,
        }
    }

    /// So many inputs go to a worker at once (fewer at the end, or if they are large). Unless set, chunks begin with a
    /// quarter of a worker's share and become smaller with what is left, down to one input.
    pub fn chunk_size(mut self, inputs: NonZeroUsize) -> Self {
        self.chunk = Some(inputs);
        self
    }

    /// How long the job may run for each input, whatever the pool's own limit.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// As [`ProcessPool::map`], with these settings. All inputs are encoded before the first job starts.
    ///
    /// # Errors
    /// Each result by itself, as of [`ProcessPool::map`].
    ///
    /// # Panics
    /// Only if the iterator, or the encoding of an input, does; then nothing has started.
    pub fn run<J: Job>(
        self,
        inputs: impl IntoIterator<Item: Borrow<J::Input>>,
    ) -> Vec<Result<J::Output, JobError>> {
        let inputs: Vec<_> = inputs.into_iter().collect();
        let group = Arc::new(Group::new(inputs.len()));
        let Some(job) = self.pool.program().find(J::NAME) else {
            return inputs
                .iter()
                .map(|_| Err(JobError::Unregistered(J::NAME.to_owned())))
                .collect();
        };
        let mut chunks = Chunks {
            map: self,
            job,
            group: &group,
            units: Vec::new(),
            bytes: Vec::new(),
            count: 0,
            total: inputs.len(),
        };
        for (place, input) in inputs.iter().enumerate() {
            chunks.add(place, input.borrow());
        }
        chunks.close(inputs.len());
        let units = chunks.units;
        drop(inputs);
        self.send(units, &group);
        group
            .take()
            .into_iter()
            // Every input is in a unit or has its error, and every unit ends.
            .map(|outcome| outcome.unwrap_or(Err(JobError::Cancelled)).and_then(value))
            .collect()
    }

    fn send(self, units: Vec<Unit>, group: &Arc<Group>) {
        if units.is_empty() {
            return;
        }
        let shared = self.pool.shared();
        let accepted = shared.with(|state| {
            if state.closed {
                for unit in &units {
                    let Sink::Group(group, first) = &unit.sink else {
                        continue;
                    };
                    for place in 0..unit.count as usize {
                        let error = state
                            .broken
                            .clone()
                            .map_or(JobError::Cancelled, JobError::Broken);
                        group.put(first + place, Err(error));
                    }
                }
                return false;
            }
            state.watchers += 1;
            for unit in units {
                state.accept(unit);
            }
            state.settle();
            true
        });
        if !accepted {
            return;
        }
        let mut complete = group.is_complete_or(thread::current());
        while !complete {
            thread::park();
            complete = group.left() == 0;
        }
        shared.with(|state| state.watchers -= 1);
    }
}

/// Inputs on their way into units.
struct Chunks<'a> {
    map: Mapping<'a>,
    job: u32,
    group: &'a Arc<Group>,
    units: Vec<Unit>,
    bytes: Vec<u8>,
    count: usize,
    total: usize,
}

impl Chunks<'_> {
    fn add<T: serde::Serialize>(&mut self, place: usize, input: &T) {
        let mut bytes = Vec::new();
        begin_input(&mut bytes);
        let descriptors = match codec::encode(input, &mut bytes) {
            Ok(descriptors) => descriptors,
            Err(why) => return self.refuse(place, JobError::Input(why)),
        };
        if descriptors.is_empty() && bytes.len() <= MOST_BYTES {
            if self.bytes.len() + bytes.len() > MOST_BYTES {
                self.close(place);
            }
            end_input(&mut bytes, 4);
            self.bytes.append(&mut bytes);
            self.count += 1;
            if self.count >= self.size(place) {
                self.close(place + 1);
            }
            return;
        }
        self.close(place);
        match Packed::new(bytes, descriptors) {
            Ok(packed) => self.units.push(Unit {
                job: self.job,
                count: 1,
                bytes: packed.bytes,
                descriptors: packed.descriptors,
                spilled: packed.spilled,
                limit: self.map.limit,
                sink: Sink::Group(Arc::clone(self.group), place),
            }),
            Err(SubmitError::Memory(error)) => self.refuse(place, JobError::Transport(error)),
            Err(error) => self.refuse(place, JobError::Input(error.to_string())),
        }
    }

    /// An input that cannot travel ends the chunk before it.
    fn refuse(&mut self, place: usize, error: JobError) {
        self.close(place);
        self.group.put(place, Err(error));
    }

    /// How many inputs the chunk should have, which begins where `place` is its last.
    fn size(&self, place: usize) -> usize {
        let first = place + 1 - self.count;
        match self.map.chunk {
            Some(chunk) => chunk.get(),
            None => ((self.total - first) / (SHARE * self.map.pool.workers())).clamp(1, MOST),
        }
    }

    /// Ends the chunk whose inputs are those before `end`.
    fn close(&mut self, end: usize) {
        if self.count == 0 {
            return;
        }
        self.units.push(Unit {
            job: self.job,
            count: self.count as u32,
            bytes: std::mem::take(&mut self.bytes),
            descriptors: Vec::new(),
            spilled: None,
            limit: self.map.limit,
            sink: Sink::Group(Arc::clone(self.group), end - self.count),
        });
        self.count = 0;
    }
}
