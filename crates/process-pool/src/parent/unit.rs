//! What travels to a worker: one input or several for the same job, and where the results go.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread::Thread;
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
}

/// Where the results go.
#[derive(Clone)]
pub(crate) enum Sink {
    /// To a handle.
    Job(Key),
    /// To a map, from this place on.
    Group(Arc<Group>, usize),
}

impl Unit {
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
    let Ok(length) = u32::try_from(bytes.len() - start) else {
        return false;
    };
    bytes[start - 4..start].copy_from_slice(&length.to_le_bytes());
    true
}

/// The results of a map, in the order of its inputs.
pub(crate) struct Group {
    inner: Mutex<Results>,
}

struct Results {
    outcomes: Vec<Option<Outcome>>,
    left: usize,
    waiter: Option<Thread>,
}

impl Group {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            inner: Mutex::new(Results {
                outcomes: (0..count).map(|_| None).collect(),
                left: count,
                waiter: None,
            }),
        }
    }

    /// Puts a result in its place, once. Returns whom to wake if it was the last.
    pub(crate) fn put(&self, place: usize, outcome: Outcome) -> Option<Thread> {
        let mut inner = lock(&self.inner);
        let slot = inner.outcomes.get_mut(place)?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(outcome);
        inner.left -= 1;
        if inner.left == 0 {
            inner.waiter.take()
        } else {
            None
        }
    }

    /// Whether all results are there; if not, who is to be woken then.
    pub(crate) fn is_complete_or(&self, waiter: Thread) -> bool {
        let mut inner = lock(&self.inner);
        inner.waiter = Some(waiter);
        inner.left == 0
    }

    pub(crate) fn left(&self) -> usize {
        lock(&self.inner).left
    }

    pub(crate) fn take(&self) -> Vec<Option<Outcome>> {
        std::mem::take(&mut lock(&self.inner).outcomes)
    }
}

/// Units in the order in which they are handed out.
pub(crate) type Queue = VecDeque<Unit>;
