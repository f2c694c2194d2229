//! What travels to a worker: one input or several for the same job, and where the results go.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};
use std::time::Duration;

use super::jobs::Key;
use crate::codec::Descriptors;
use crate::{JobError, lock};

/// An output as it came.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub(crate) bytes: Vec<u8>,
    pub(crate) descriptors: Descriptors,
}

pub(crate) type Outcome = Result<Raw, JobError>;

/// Inputs for one job. Each is its length, four bytes, little end first, and so many bytes.
pub(crate) struct Unit {
    pub(crate) job: u32,
    pub(crate) count: u32,
    pub(crate) bytes: Vec<u8>,
    /// In front of them the inputs, if they are spilled.
    pub(crate) descriptors: Descriptors,
    /// How many bytes of inputs are in the first descriptor.
    pub(crate) spilled: Option<usize>,
    pub(crate) limit: Option<Duration>,
    pub(crate) sink: Sink,
    /// How many workers in a row have died with this unit at their head and without a result.
    pub(crate) returns: u8,
}

/// Where the results go.
#[derive(Clone)]
pub(crate) enum Sink {
    /// To a handle.
    Job(Key),
    /// To a map, from this place on.
    Group(Arc<Group>, usize),
}

/// The number of workers that have to die in a row with a unit at their head before its first input
/// counts as begun.
const MOST_RETURNS: u8 = 8;

impl Unit {
    /// Counts the death of a worker that had this unit at its head. Only the worker's memory says
    /// whether the unit was begun, and a job that overwrites it could deny that each time and so
    /// run again without end. `true` once this has happened too often to be chance.
    pub(crate) fn comes_back(&mut self) -> bool {
        self.returns += 1;
        self.returns >= MOST_RETURNS
    }

    /// What is left when the first `done` inputs are.
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
            self.returns = 0;
        }
        if let Sink::Group(_, first) = &mut self.sink {
            *first += done as usize;
        }
        Some(self)
    }
}

/// Appends an input as a unit holds it.
pub(crate) fn begin_input(bytes: &mut Vec<u8>) -> usize {
    bytes.extend_from_slice(&[0; 4]);
    bytes.len()
}

/// Puts the length in front of what was appended since [`begin_input`]; `false` if it is too long for that.
pub(crate) fn end_input(bytes: &mut [u8], start: usize) -> bool {
    // All that travels together has a length of four bytes too.
    let length = bytes.len() - start;
    if u32::try_from(start + length).is_err() {
        return false;
    }
    let length = length as u32;
    bytes[start - 4..start].copy_from_slice(&length.to_le_bytes());
    true
}

/// The results of a map, in the order of its inputs.
pub(crate) struct Group {
    inner: Mutex<Results>,
}

struct Results {
    outcomes: Vec<Option<Outcome>>,
    /// Inputs handed in, and not ended.
    unended: usize,
    /// Who is to be woken when there are no more than so many.
    waiter: Option<(Thread, usize)>,
}

impl Group {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            inner: Mutex::new(Results {
                outcomes: (0..count).map(|_| None).collect(),
                unended: 0,
                waiter: None,
            }),
        }
    }

    /// So many inputs are about to be handed in.
    pub(crate) fn add(&self, inputs: usize) {
        lock(&self.inner).unended += inputs;
    }

    /// Puts a result in its place, once. Returns whom to wake, if somebody waits for as much.
    pub(crate) fn put(&self, place: usize, outcome: Outcome) -> Option<Thread> {
        let mut inner = lock(&self.inner);
        let slot = inner.outcomes.get_mut(place)?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(outcome);
        inner.unended -= 1;
        let unended = inner.unended;
        let (thread, _) = inner.waiter.take_if(|(_, most)| unended <= *most)?;
        Some(thread)
    }

    pub(crate) fn unended(&self) -> usize {
        lock(&self.inner).unended
    }

    /// Waits until no more inputs than that are handed in and not ended.
    pub(crate) fn wait_until_at_most(&self, most: usize) {
        loop {
            {
                let mut inner = lock(&self.inner);
                if inner.unended <= most {
                    inner.waiter = None;
                    return;
                }
                inner.waiter = Some((thread::current(), most));
            }
            thread::park();
        }
    }

    pub(crate) fn take(&self) -> Vec<Option<Outcome>> {
        std::mem::take(&mut lock(&self.inner).outcomes)
    }
}

/// Units in the order in which they are handed out.
pub(crate) type Queue = VecDeque<Unit>;
