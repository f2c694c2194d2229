//! The results of a map, and the thread that waits for them.

use std::sync::Mutex;
use std::thread::{self, Thread};

use crate::codec::Descriptors;
use crate::error::JobError;
use crate::sync::lock;

/// An encoded output.
#[derive(Debug, Default)]
pub(crate) struct RawOutput {
    pub(crate) bytes: Vec<u8>,
    pub(crate) descriptors: Descriptors,
}

/// An encoded output, or the error of its input.
pub(crate) type RawResult = Result<RawOutput, JobError>;

/// The results of a map, in input order.
pub(crate) struct MapResults {
    inner: Mutex<Inner>,
}

struct Inner {
    outcomes: Vec<Option<RawResult>>,
    /// Inputs sent and not ended.
    unfinished: usize,
    /// The thread to wake when at most this many are unfinished.
    waiter: Option<(Thread, usize)>,
}

impl MapResults {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                outcomes: (0..count).map(|_| None).collect(),
                unfinished: 0,
                waiter: None,
            }),
        }
    }

    /// Counts inputs that are about to be sent.
    pub(crate) fn add(&self, inputs: usize) {
        lock(&self.inner).unfinished += inputs;
    }

    /// Stores the result of an input, once. Returns the thread to wake, if it waited for this many.
    pub(crate) fn put(&self, index: usize, outcome: RawResult) -> Option<Thread> {
        let mut inner = lock(&self.inner);
        let slot = inner.outcomes.get_mut(index)?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(outcome);
        inner.unfinished -= 1;
        let unfinished = inner.unfinished;
        let (thread, _) = inner.waiter.take_if(|(_, max)| unfinished <= *max)?;
        Some(thread)
    }

    pub(crate) fn unfinished(&self) -> usize {
        lock(&self.inner).unfinished
    }

    /// Waits until at most `max` inputs are sent and unfinished.
    pub(crate) fn wait_until_at_most(&self, max: usize) {
        loop {
            {
                let mut inner = lock(&self.inner);
                if inner.unfinished <= max {
                    inner.waiter = None;
                    return;
                }
                inner.waiter = Some((thread::current(), max));
            }
            thread::park();
        }
    }

    pub(crate) fn take(&self) -> Vec<Option<RawResult>> {
        std::mem::take(&mut lock(&self.inner).outcomes)
    }
}
