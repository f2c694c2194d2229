use std::borrow::Borrow;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::not_encoded;
use crate::parent::feed::Feed;
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

    /// As [`ProcessPool::map`], with these settings. Inputs are encoded a few chunks ahead of the workers.
    ///
    /// # Errors
    /// Each result by itself, as of [`ProcessPool::map`].
    ///
    /// # Panics
    /// Only if the iterator does, when nothing has started, or the encoding of an input: what has been handed in by then
    /// runs, and its results are dropped.
    pub fn run<J: Job>(
        self,
        inputs: impl IntoIterator<Item: Borrow<J::Input>>,
    ) -> Vec<Result<J::Output, JobError>> {
        let inputs: Vec<_> = inputs.into_iter().collect();
        let none = |why: &dyn Fn() -> JobError| inputs.iter().map(|_| Err(why())).collect();
        let Some(job) = self.pool.program().find(J::NAME) else {
            return none(&|| JobError::Unregistered(J::NAME.to_owned()));
        };
        let group = Arc::new(Group::new(inputs.len()));
        let feed = match Feed::open(self.pool, &group, inputs.len()) {
            Ok(feed) => feed,
            Err(None) => return none(&|| JobError::Cancelled),
            Err(Some(broken)) => return none(&|| JobError::Broken(broken.clone())),
        };
        let mut chunks = Chunks {
            map: self,
            job,
            group: &group,
            feed,
            bytes: Vec::new(),
            count: 0,
            total: inputs.len(),
        };
        for (place, input) in inputs.iter().enumerate() {
            chunks.add(place, input.borrow());
        }
        chunks.close(inputs.len());
        group.wait_until_at_most(0);
        drop(chunks);
        group
            .take()
            .into_iter()
            // Every input is in a unit or has its error, and every unit ends.
            .map(|outcome| outcome.unwrap_or(Err(JobError::Cancelled)).and_then(value))
            .collect()
    }
}

/// Inputs on their way into units.
struct Chunks<'a> {
    map: Mapping<'a>,
    job: u32,
    group: &'a Arc<Group>,
    feed: Feed<'a>,
    bytes: Vec<u8>,
    count: usize,
    total: usize,
}

impl Chunks<'_> {
    fn add<T: serde::Serialize>(&mut self, place: usize, input: &T) {
        // Behind those of the chunk, where it stays if it is small.
        let before = self.bytes.len();
        let start = begin_input(&mut self.bytes);
        let descriptors = match codec::encode(input, &mut self.bytes) {
            Ok(descriptors) => descriptors,
            Err(why) => {
                self.bytes.truncate(before);
                return self.refuse(place, JobError::Input(not_encoded(&why)));
            }
        };
        if descriptors.is_empty() && self.bytes.len() <= MOST_BYTES {
            end_input(&mut self.bytes, start);
            self.count += 1;
            if self.count >= self.size(place) {
                self.close(place + 1);
            }
            return;
        }
        let mut bytes = self.bytes.split_off(before);
        self.close(place);
        if descriptors.is_empty() && bytes.len() <= MOST_BYTES {
            // The first of the next chunk.
            end_input(&mut bytes, 4);
            self.bytes = bytes;
            self.count = 1;
            if self.size(place) <= 1 {
                self.close(place + 1);
            }
            return;
        }
        match Packed::new(bytes, descriptors) {
            Ok(packed) => self.feed.send(Unit {
                job: self.job,
                count: 1,
                bytes: packed.bytes,
                descriptors: packed.descriptors,
                spilled: packed.spilled,
                limit: self.map.limit,
                sink: Sink::Group(Arc::clone(self.group), place),
                returns: 0,
            }),
            Err(SubmitError::Memory(error)) => self.refuse(place, JobError::Transport(error)),
            Err(SubmitError::Input(why)) => self.refuse(place, JobError::Input(not_encoded(&why))),
            Err(error) => self.refuse(place, JobError::Input(error.to_string())),
        }
    }

    /// An input that cannot travel ends the chunk before it.
    fn refuse(&mut self, place: usize, error: JobError) {
        self.close(place);
        self.feed.refuse(place, error);
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
        self.feed.send(Unit {
            job: self.job,
            count: self.count as u32,
            bytes: std::mem::take(&mut self.bytes),
            descriptors: Vec::new(),
            spilled: None,
            limit: self.map.limit,
            sink: Sink::Group(Arc::clone(self.group), end - self.count),
            returns: 0,
        });
        self.count = 0;
    }
}
