//! A place in the ring of one worker: one unit of work at a time goes there and comes back.
//!
//! The ring is used in order. The parent publishes, the worker claims and finishes, the parent collects. What is
//! published and not yet claimed the parent can withdraw; the worker then passes the place over.

use super::sync::{AtomicU32, AtomicU64, Ordering, fence};

const EMPTY: u32 = 0;
const READY: u32 = 1;
const TAKEN: u32 = 2;
const DONE: u32 = 3;
const WITHDRAWN: u32 = 4;
const PASSED: u32 = 5;

/// All zeros is an empty slot.
#[repr(C, align(64))]
pub(crate) struct Slot {
    state: AtomicU32,
    /// Which of the registered jobs.
    pub(crate) job: AtomicU32,
    /// How many inputs.
    pub(crate) count: AtomicU32,
    /// See `layout::flag`.
    pub(crate) flags: AtomicU32,
    /// The bytes of the inputs in the ring of inputs.
    pub(crate) input_len: AtomicU32,
    /// How many of the inputs have been begun, where there are several.
    started: AtomicU32,
    /// How many inputs have their result in the ring of outputs, and how many words these take.
    progress: AtomicU64,
    /// When the latest input was begun: nanoseconds of the monotonic clock. Only where a time limit asks for it.
    stamp: AtomicU64,
}

/// An input that a worker is at, as its parent finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Which of the unit's, counted from 1; 0 where there is only one, or before the first.
    pub(crate) input: u32,
    /// When it was begun; 0 before that.
    pub(crate) stamp: u64,
}

/// What the worker finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nothing yet.
    Nothing,
    /// Work, which is now the worker's.
    Work,
    /// Work that was withdrawn: the next place is next.
    Passed,
}

/// What the parent finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collect {
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
    /// A state that no honest worker leaves.
    Nonsense,
}

impl Slot {
    #[cfg(model_check)]
    pub(crate) fn new() -> Self {
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

    /// Parent: what was written into the slot and the ring of inputs is there for the worker.
    pub(crate) fn publish(&self) {
        self.state.store(READY, Ordering::Release);
    }

    /// Worker: takes the work, unless the parent was quicker to withdraw it.
    pub(crate) fn claim(&self) -> Claim {
        match self.state.load(Ordering::Acquire) {
            READY => {
                // It also releases: who fails to withdraw this place knows that the one before it is finished.
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

    /// Worker: returns work that it has claimed and not begun.
    pub(crate) fn give_back(&self) {
        self.state.store(READY, Ordering::Release);
    }

    /// Worker: whether there is something to claim. For spinning.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.state.load(Ordering::Relaxed), READY | WITHDRAWN)
    }

    /// Worker: begins the input of this number, unless the parent has said to stop.
    ///
    /// Worker and parent each write and then read what the other writes, with a fence in between: either the worker sees
    /// `stop`, or the parent sees in [`stop_at`](Self::stop_at) that the worker has gone on.
    pub(crate) fn begin(&self, input: u32, stop: &AtomicU32) -> bool {
        // Before the number: who sees it does not see the stamp of the input before.
        self.stamp.store(0, Ordering::Relaxed);
        self.started.store(input, Ordering::Release);
        fence(Ordering::SeqCst);
        stop.load(Ordering::Relaxed) == 0
    }

    /// Worker: when the present input was begun.
    pub(crate) fn stamp(&self, now: u64) {
        self.stamp.store(now, Ordering::Relaxed);
    }

    /// Parent: which input the worker is at, and since when. A stamp is never that of an earlier input.
    pub(crate) fn attempt(&self) -> Attempt {
        let input = self.started.load(Ordering::Acquire);
        Attempt {
            input,
            stamp: self.stamp.load(Ordering::Relaxed),
        }
    }

    /// Parent: lets the worker begin nothing after this input. `false` if it has begun something already.
    pub(crate) fn stop_at(&self, input: u32, stop: &AtomicU32) -> bool {
        stop.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.started.load(Ordering::Relaxed) == input && self.collect() == Collect::Running
    }

    /// Worker: the results so far are in the ring of outputs.
    pub(crate) fn progress(&self, done: u32, words: u32) {
        self.progress
            .store(u64::from(done) << 32 | u64::from(words), Ordering::Release);
    }

    /// Worker: nothing more is to come.
    pub(crate) fn finish(&self) {
        self.state.store(DONE, Ordering::Release);
    }

    /// Parent: takes back what has not been claimed.
    pub(crate) fn withdraw(&self) -> bool {
        self.state
            .compare_exchange(READY, WITHDRAWN, Ordering::Relaxed, Ordering::Acquire)
            .is_ok()
    }

    /// Parent: what has become of it.
    pub(crate) fn collect(&self) -> Collect {
        match self.state.load(Ordering::Acquire) {
            READY => Collect::Waiting,
            TAKEN => Collect::Running,
            DONE => Collect::Done,
            WITHDRAWN => Collect::Withdrawn,
            PASSED => Collect::Passed,
            _ => Collect::Nonsense,
        }
    }

    /// Parent: whether the worker has still to do something here. For spinning.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self.state.load(Ordering::Relaxed), READY | TAKEN)
    }

    /// Parent: how many results there are, and how many words they take.
    pub(crate) fn results(&self) -> (u32, u32) {
        let progress = self.progress.load(Ordering::Acquire);
        ((progress >> 32) as u32, progress as u32)
    }

    /// Parent: makes room for the next unit.
    pub(crate) fn clear(&self) {
        self.started.store(0, Ordering::Relaxed);
        self.progress.store(0, Ordering::Relaxed);
        self.stamp.store(0, Ordering::Relaxed);
        self.state.store(EMPTY, Ordering::Relaxed);
    }
}
