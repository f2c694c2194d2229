//! [`Mapping`]: a job run on many inputs, in chunks.

use std::borrow::Borrow;
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::{self, not_encoded};
use crate::error::{JobError, SubmitError};
use crate::job::Job;
use crate::parent::batch::{Batch, Sink, begin_input, end_input};
use crate::parent::map_feed::MapFeed;
use crate::parent::map_results::MapResults;
use crate::pool::ProcessPool;
use crate::transfer::{Packed, value};
use crate::transport::layout::SPILL;

/// A chunk takes one `SHARE`th of each worker's share of the remaining inputs: large at first, to
/// save overhead, and small at the end, so that no worker waits for another's chunk. Guided
/// self-scheduling: Polychronopoulos and Kuck, *IEEE Transactions on Computers*, 1987.
const SHARE: usize = 4;
/// The maximum number of inputs in an automatically sized chunk.
const MAX_INPUTS: usize = 1_024;
/// The maximum number of input bytes in a chunk. A larger input travels alone.
const MAX_BYTES: usize = SPILL / 2;

impl ProcessPool {
    /// Runs the job on each input and returns one result per input, in input order.
    ///
    /// Inputs go to the workers in chunks that shrink towards the end. A crash fails only the input
    /// that caused it: earlier results of the chunk are kept, and the rest of the chunk goes to
    /// another worker.
    ///
    /// ```
    /// use effective_process_pool::{JobError, ProcessPool, job, register};
    ///
    /// job! {
    ///     fn invert(number: i32) -> i32 {
    ///         if number == 0 { std::process::abort() }
    ///         1_000 / number
    ///     }
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![invert];
    ///     let pool = ProcessPool::new(&program, 2)?;
    ///     let results = pool.map::<invert>(&[10, 0, 4]);
    ///     assert!(matches!(results[0], Ok(100)));
    ///     assert!(matches!(results[1], Err(JobError::Crashed(_))));
    ///     assert!(matches!(results[2], Ok(250)));
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// Each result has its own. An input that [`submit`](Self::submit) would refuse gets
    /// [`JobError::Input`], [`JobError::Unregistered`] or [`JobError::Broken`].
    pub fn map<J: Job>(
        &self,
        inputs: impl IntoIterator<Item: Borrow<J::Input>>,
    ) -> Vec<Result<J::Output, JobError>> {
        self.mapping().run::<J>(inputs)
    }

    /// A `map` with settings: chunk size and time limit.
    pub fn mapping(&self) -> Mapping<'_> {
        Mapping::new(self)
    }
}

/// A `map` with settings. Created by [`ProcessPool::mapping`].
#[derive(Clone, Copy, Debug)]
#[must_use = "`run` runs the map"]
pub struct Mapping<'a> {
    pool: &'a ProcessPool,
    time_limit: Option<Duration>,
    chunk: Option<NonZeroUsize>,
}

impl<'a> Mapping<'a> {
    fn new(pool: &'a ProcessPool) -> Self {
        Self {
            pool,
            time_limit: pool.time_limit(),
            chunk: None,
        }
    }

    /// Sends `inputs` inputs to a worker at once (fewer at the end, or if they are large). By
    /// default chunks start with a quarter of a worker's share and shrink with the remaining
    /// inputs, down to one.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use effective_process_pool::{ProcessPool, job, register};
    ///
    /// job! { fn double(number: u32) -> u32 { 2 * number } }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![double];
    ///     let pool = ProcessPool::new(&program, 2)?;
    ///     // Inputs of very different cost: no input waits behind another of its chunk.
    ///     let results = pool.mapping().chunk_size(NonZeroUsize::MIN).run::<double>([1, 2, 3]);
    ///     assert_eq!(results.into_iter().collect::<Result<Vec<_>, _>>()?, [2, 4, 6]);
    ///     Ok(())
    /// }
    /// ```
    pub fn chunk_size(mut self, inputs: NonZeroUsize) -> Self {
        self.chunk = Some(inputs);
        self
    }

    /// Limits how long the job may run for each input, in place of the pool's own limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_process_pool::{JobError, ProcessPool, job, register};
    ///
    /// job! {
    ///     fn work(is_endless: bool) {
    ///         while is_endless { std::hint::spin_loop() }
    ///     }
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![work];
    ///     let pool = ProcessPool::new(&program, 1)?;
    ///     let limit = Duration::from_millis(100); // for each input
    ///     let results = pool.mapping().time_limit(limit).run::<work>([true, false]);
    ///     assert!(matches!(results[0], Err(JobError::TimedOut(_))));
    ///     Ok(())
    /// }
    /// ```
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Like [`ProcessPool::map`], with these settings. Inputs are encoded a few chunks ahead of the
    /// workers.
    ///
    /// # Errors
    /// Each result has its own, as for [`ProcessPool::map`].
    ///
    /// # Panics
    /// Only if the iterator panics (nothing has started then), or the encoding of an input: inputs
    /// sent by then still run, and their results are dropped.
    pub fn run<J: Job>(
        self,
        inputs: impl IntoIterator<Item: Borrow<J::Input>>,
    ) -> Vec<Result<J::Output, JobError>> {
        let inputs: Vec<_> = inputs.into_iter().collect();
        let all_fail = |why: &dyn Fn() -> JobError| inputs.iter().map(|_| Err(why())).collect();
        let Some(job) = self.pool.program().find(J::NAME) else {
            return all_fail(&|| JobError::Unregistered(J::NAME.to_owned()));
        };
        let results = Arc::new(MapResults::new(inputs.len()));
        let feed = match MapFeed::open(
            self.pool.shared(),
            self.pool.workers(),
            &results,
            inputs.len(),
        ) {
            Ok(feed) => feed,
            Err(None) => return all_fail(&|| JobError::Cancelled),
            Err(Some(broken)) => return all_fail(&|| JobError::Broken(broken.clone())),
        };
        let mut chunks = Chunks {
            map: self,
            job,
            results: &results,
            feed,
            bytes: Vec::new(),
            count: 0,
            total: inputs.len(),
        };
        for (index, input) in inputs.iter().enumerate() {
            chunks.add(index, input.borrow());
        }
        chunks.close(inputs.len());
        results.wait_until_at_most(0);
        drop(chunks);
        results
            .take()
            .into_iter()
            // Every input is in a batch or has its error, and every batch ends.
            .map(|outcome| outcome.unwrap_or(Err(JobError::Cancelled)).and_then(value))
            .collect()
    }
}

/// Inputs being packed into batches.
struct Chunks<'a> {
    map: Mapping<'a>,
    job: u32,
    results: &'a Arc<MapResults>,
    feed: MapFeed<'a>,
    bytes: Vec<u8>,
    count: usize,
    total: usize,
}

impl Chunks<'_> {
    fn add<T: serde::Serialize>(&mut self, index: usize, input: &T) {
        // Encoded behind the inputs of the current chunk, and left there if it is small.
        let before = self.bytes.len();
        let start = begin_input(&mut self.bytes);
        let descriptors = match codec::encode(input, &mut self.bytes) {
            Ok(descriptors) => descriptors,
            Err(why) => {
                self.bytes.truncate(before);
                return self.refuse(index, JobError::Input(not_encoded(&why)));
            }
        };
        if descriptors.is_empty() && self.bytes.len() <= MAX_BYTES {
            end_input(&mut self.bytes, start);
            self.count += 1;
            if self.count >= self.size(index) {
                self.close(index + 1);
            }
            return;
        }
        let mut bytes = self.bytes.split_off(before);
        self.close(index);
        if descriptors.is_empty() && bytes.len() <= MAX_BYTES {
            // The first of the next chunk.
            end_input(&mut bytes, 4);
            self.bytes = bytes;
            self.count = 1;
            if self.size(index) <= 1 {
                self.close(index + 1);
            }
            return;
        }
        match Packed::new(bytes, descriptors) {
            Ok(packed) => self.feed.send(Batch {
                job: self.job,
                count: 1,
                bytes: packed.bytes,
                descriptors: packed.descriptors,
                spilled: packed.spilled,
                time_limit: self.map.time_limit,
                sink: Sink::Map(Arc::clone(self.results), index),
                deaths: 0,
            }),
            Err(SubmitError::Memory(error)) => self.refuse(index, JobError::Transport(error)),
            Err(SubmitError::Input(why)) => self.refuse(index, JobError::Input(not_encoded(&why))),
            Err(error) => self.refuse(index, JobError::Input(error.to_string())),
        }
    }

    /// An input that cannot be sent ends the current chunk.
    fn refuse(&mut self, index: usize, error: JobError) {
        self.close(index);
        self.feed.refuse(index, error);
    }

    /// The target size of the current chunk, whose last input is `index`.
    fn size(&self, index: usize) -> usize {
        let first = index + 1 - self.count;
        match self.map.chunk {
            Some(chunk) => chunk.get(),
            None => ((self.total - first) / (SHARE * self.map.pool.workers())).clamp(1, MAX_INPUTS),
        }
    }

    /// Sends the current chunk; `end` is the index after its last input.
    fn close(&mut self, end: usize) {
        if self.count == 0 {
            return;
        }
        self.feed.send(Batch {
            job: self.job,
            count: self.count as u32,
            bytes: mem::take(&mut self.bytes),
            descriptors: Vec::new(),
            spilled: None,
            time_limit: self.map.time_limit,
            sink: Sink::Map(Arc::clone(self.results), end - self.count),
            deaths: 0,
        });
        self.count = 0;
    }
}
