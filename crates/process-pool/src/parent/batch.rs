//! A batch: one or more inputs for the same job that travel to a worker together, and the
//! destination of the results.

use std::sync::Arc;
use std::time::Duration;

use super::map_results::MapResults;
use crate::codec::Descriptors;

/// Inputs for one job. Each is encoded as its length (four bytes, little endian) and its bytes.
pub(crate) struct Batch {
    pub(crate) job: u32,
    pub(crate) count: u32,
    pub(crate) bytes: Vec<u8>,
    /// The first one holds the inputs if they are spilled.
    pub(crate) descriptors: Descriptors,
    /// The number of input bytes in the first descriptor.
    pub(crate) spilled: Option<usize>,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) sink: Sink,
    /// The number of workers in a row that died with this batch at the head and without a result.
    pub(crate) deaths: u8,
}

/// The index of a job's table entry, and how often the entry had been used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JobKey {
    pub(super) index: u32,
    pub(super) generation: u32,
}

/// The destination of the results.
#[derive(Clone)]
pub(crate) enum Sink {
    /// A handle's table entry.
    Job(JobKey),
    /// A map, starting at this index.
    Map(Arc<MapResults>, usize),
}

/// After this many workers in a row have died with a batch at the head, its first input counts as
/// started.
const MAX_DEATHS: u8 = 8;

impl Batch {
    /// Counts the death of a worker that had this batch at the head. Only the worker's memory says
    /// whether the batch was started; a job that overwrites it could deny that every time and run
    /// again without end. Returns `true` once this has happened too often to be chance.
    pub(crate) fn count_death(&mut self) -> bool {
        self.deaths += 1;
        self.deaths >= MAX_DEATHS
    }

    /// The rest of the batch after its first `done` inputs.
    pub(crate) fn skip(mut self, done: u32) -> Option<Self> {
        if done >= self.count {
            return None;
        }
        let mut at = 0;
        for _ in 0..done {
            let length = self.bytes[at..].first_chunk::<4>()?;
            at += 4 + u32::from_le_bytes(*length) as usize;
        }
        self.bytes.drain(..at);
        self.count -= done;
        if done > 0 {
            self.deaths = 0;
        }
        if let Sink::Map(_, first) = &mut self.sink {
            *first += done as usize;
        }
        Some(self)
    }
}

/// Appends the length placeholder of an input. Returns where the input starts.
pub(crate) fn begin_input(bytes: &mut Vec<u8>) -> usize {
    bytes.extend_from_slice(&[0; 4]);
    bytes.len()
}

/// Writes the length of the input that starts at `start`. Returns `false` if it does not fit four
/// bytes.
pub(crate) fn end_input(bytes: &mut [u8], start: usize) -> bool {
    // The length of the whole batch has four bytes too.
    let length = bytes.len() - start;
    if u32::try_from(start + length).is_err() {
        return false;
    }
    let length = length as u32;
    bytes[start - 4..start].copy_from_slice(&length.to_le_bytes());
    true
}
