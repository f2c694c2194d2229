//! A slot in the ring of one worker. One batch at a time goes there, and its results come back.
//!
//! The ring is used in order. The parent publishes a batch, the worker claims and finishes it, the
//! parent collects the results. The parent can withdraw a batch that is not yet claimed; the worker
//! then passes the slot over.

#![cfg_attr(
    not(model_check),
    allow(unreachable_pub, reason = "public for the model checks")
)]

use crate::sync::{AtomicU32, AtomicU64, Ordering, fence};

const EMPTY: u32 = 0;
const READY: u32 = 1;
const TAKEN: u32 = 2;
const DONE: u32 = 3;
const WITHDRAWN: u32 = 4;
const PASSED: u32 = 5;

/// All zeros is an empty slot.
#[repr(C, align(64))]
pub struct Slot {
    state: AtomicU32,
    /// The index of the registered job.
    pub job: AtomicU32,
    /// The number of inputs.
    pub count: AtomicU32,
    /// See `layout::flag`.
    pub flags: AtomicU32,
    /// The length of the inputs in the input ring, in bytes.
    pub input_len: AtomicU32,
    /// The number of inputs that have been started, in a batch of several.
    started: AtomicU32,
    /// The number of inputs whose results are in the output ring, and the number of words these
    /// take.
    progress: AtomicU64,
    /// When the latest input was started, in nanoseconds of the monotonic clock. Only set under a
    /// time limit.
    stamp: AtomicU64,
}

/// The input that a worker is at, as its parent sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The number of the input in its batch, counted from 1; 0 in a batch of one, or before the
    /// first.
    pub input: u32,
    /// When it was started; 0 before that.
    pub stamp: u64,
}

/// The outcome of a worker's claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The slot holds no batch yet.
    Nothing,
    /// The batch now belongs to the worker.
    Work,
    /// The batch was withdrawn: go on to the next slot.
    Passed,
}

/// The state of a slot as its parent sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collect {
    /// Not claimed yet.
    Waiting,
    /// Claimed and not finished.
    Running,
    /// Finished.
    Done,
    /// Withdrawn, and not passed over yet.
    Withdrawn,
    /// Withdrawn and passed over.
    Passed,
    /// A state that no honest worker sets.
    Nonsense,
}

impl Slot {
    /// An empty slot.
    #[cfg(model_check)]
    pub fn new() -> Self {
        Self {
            state: AtomicU32::new(EMPTY),
            job: AtomicU32::new(0),
            count: AtomicU32::new(0),
            flags: AtomicU32::new(0),
            input_len: AtomicU32::new(0),
            started: AtomicU32::new(0),
            progress: AtomicU64::new(0),
            stamp: AtomicU64::new(0),
        }
    }

    /// Parent: publishes the batch that was written into the slot and the input ring.
    pub fn publish(&self) {
        self.state.store(READY, Ordering::Release);
    }

    /// Worker: claims the batch, unless the parent has withdrawn it.
    pub fn claim(&self) -> Claim {
        match self.state.load(Ordering::Acquire) {
            READY => {
                // Also a release: a failed withdrawal of this slot shows that the one before it is
                // finished.
                let taken =
                    self.state
                        .compare_exchange(READY, TAKEN, Ordering::AcqRel, Ordering::Acquire);
                if taken.is_ok() {
                    return Claim::Work;
                }
            }
            WITHDRAWN => {}
            _ => return Claim::Nothing,
        }
        self.state.store(PASSED, Ordering::Release);
        Claim::Passed
    }

    /// Worker: returns a batch that it has claimed and not started.
    pub fn give_back(&self) {
        self.state.store(READY, Ordering::Release);
    }

    /// Worker: whether there is something to claim. For spinning.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state.load(Ordering::Relaxed), READY | WITHDRAWN)
    }

    /// Worker: starts the input of this number, unless the parent has set `stop`.
    ///
    /// Worker and parent each write, then read what the other writes, with a fence in between:
    /// either the worker sees `stop`, or [`stop_at`](Self::stop_at) sees that the worker has gone
    /// on.
    pub fn begin(&self, input: u32, stop: &AtomicU32) -> bool {
        // Before the number, so that no reader pairs it with the stamp of the input before.
        self.stamp.store(0, Ordering::Relaxed);
        self.started.store(input, Ordering::Release);
        fence(Ordering::SeqCst);
        stop.load(Ordering::Relaxed) == 0
    }

    /// Worker: records when the current input was started.
    pub fn stamp(&self, now: u64) {
        self.stamp.store(now, Ordering::Relaxed);
    }

    /// Parent: the input that the worker is at, and its start. The stamp is never that of an
    /// earlier input.
    pub fn attempt(&self) -> Attempt {
        let input = self.started.load(Ordering::Acquire);
        Attempt {
            input,
            stamp: self.stamp.load(Ordering::Relaxed),
        }
    }

    /// Parent: keeps the worker from starting anything after this input. Returns `false` if it has
    /// gone on already.
    pub fn stop_at(&self, input: u32, stop: &AtomicU32) -> bool {
        stop.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.started.load(Ordering::Relaxed) == input && self.collect() == Collect::Running
    }

    /// Worker: publishes the results so far in the output ring.
    pub fn progress(&self, done: u32, words: u32) {
        self.progress
            .store(u64::from(done) << 32 | u64::from(words), Ordering::Release);
    }

    /// Worker: publishes that the batch is finished.
    pub fn finish(&self) {
        self.state.store(DONE, Ordering::Release);
    }

    /// Parent: takes back a batch that is not claimed.
    pub fn withdraw(&self) -> bool {
        self.state
            .compare_exchange(READY, WITHDRAWN, Ordering::Relaxed, Ordering::Acquire)
            .is_ok()
    }

    /// Parent: reads the state.
    pub fn collect(&self) -> Collect {
        match self.state.load(Ordering::Acquire) {
            READY => Collect::Waiting,
            TAKEN => Collect::Running,
            DONE => Collect::Done,
            WITHDRAWN => Collect::Withdrawn,
            PASSED => Collect::Passed,
            _ => Collect::Nonsense,
        }
    }

    /// Parent: whether the worker still has to act on the slot. For spinning.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state.load(Ordering::Relaxed), READY | TAKEN)
    }

    /// Parent: the number of results, and the number of words they take.
    pub fn results(&self) -> (u32, u32) {
        let progress = self.progress.load(Ordering::Acquire);
        ((progress >> 32) as u32, progress as u32)
    }

    /// Parent: empties the slot for the next batch.
    pub fn clear(&self) {
        self.started.store(0, Ordering::Relaxed);
        self.progress.store(0, Ordering::Relaxed);
        self.stamp.store(0, Ordering::Relaxed);
        self.state.store(EMPTY, Ordering::Relaxed);
    }
}
