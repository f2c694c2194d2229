//! How far a job has come, who listens, and how many references there are: one word, so that the end of a job is one step.
//!
//! ```text
//! Pending ──claim──▶ Running ──────▶ Finished ──take──▶ Taken
//!    └──claim_to_cancel──▶ Cancelling ──▶ Finished
//! ```
//! Whoever claims is alone with the closure, and after it with the place of the result, until it says `Finished`. From
//! then on that place belongs to the handle.
//!
//! *Listened* says that somebody put a listener into the task, under the lock of the listeners. A job that ends without
//! it ends in one step, which at the same time gives up the reference of the queue. With it, the job ends under that
//! lock. Both the mark and the end are read-modify-writes of this word: one of the two comes first and is seen by the
//! other, so that no listener is forgotten.
//!
//! A reference is counted as in `Arc`, with one difference: who finds that it holds the only one has nobody to agree
//! with, and does without a read-modify-write. That is how most handles find their task when they collect many results.

#![allow(
    unsafe_code,
    reason = "after the last step on a state the task may be gone, so no Rust reference may be held to it"
)]

use crate::sync::atomic::{AtomicU64, Ordering, fence};

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Pending,
    /// Running on the worker of this number.
    Running(usize),
    /// Cancelled, its closure being dropped.
    Cancelling,
    Finished,
}

const STAGE: u64 = 0b111;
const PENDING: u64 = 0;
const RUNNING: u64 = 1;
const CANCELLING: u64 = 2;
const FINISHED: u64 = 3;
const TAKEN: u64 = 4;

const LISTENED: u64 = 1 << 3;
/// The result is an error.
const FAILED: u64 = 1 << 4;
/// The number of the worker that runs it: 16 bits from here.
const WORKER: u32 = 8;
const WORKER_BITS: u64 = 0xffff << WORKER;
/// The count of references: the upper half.
const REFERENCE: u64 = 1 << 32;
/// Half of what the count can hold.
const MANY_REFERENCES: u64 = 1 << 63;

/// What is in a task that is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Closure,
    Result,
    Nothing,
}

/// What came of an attempt to end a job in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It has ended.
    Quietly,
    /// It has ended, and the reference given up was the last: the task is to be freed.
    Unwanted,
    /// It has not: there are listeners, and nothing was changed.
    Listened,
}

pub(crate) struct State(AtomicU64);

impl State {
    /// Pending, with so many references.
    pub(crate) fn new(references: u32) -> Self {
        Self(AtomicU64::new(
            (u64::from(references) * REFERENCE) | PENDING,
        ))
    }

    pub(crate) fn progress(&self) -> Progress {
        let word = self.0.load(Ordering::Acquire);
        match word & STAGE {
            PENDING => Progress::Pending,
            RUNNING => Progress::Running(usize::from((word >> WORKER) as u16)),
            CANCELLING => Progress::Cancelling,
            _ => Progress::Finished,
        }
    }

    /// Whether the job has ended with an error.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.load(Ordering::Acquire) & FAILED != 0
    }

    /// Whether the result was taken.
    pub(crate) fn is_taken(&self) -> bool {
        self.0.load(Ordering::Relaxed) & STAGE == TAKEN
    }

    /// From now on the caller is alone with the closure, if this is `true`.
    pub(crate) fn claim(&self, worker: usize) -> bool {
        debug_assert!(worker <= usize::from(u16::MAX));
        self.leave_pending(RUNNING | ((worker as u64) << WORKER) & WORKER_BITS)
    }

    /// As [`claim`](Self::claim).
    pub(crate) fn claim_to_cancel(&self) -> bool {
        self.leave_pending(CANCELLING)
    }

    fn leave_pending(&self, next: u64) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while word & STAGE == PENDING {
            match self.0.compare_exchange_weak(
                word,
                word | next,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Ends a claimed job whose result is in its place, unless somebody listens.
    pub(crate) fn end(&self, failed: bool) -> Ended {
        // SAFETY: the borrow keeps it alive, and no count is given up.
        unsafe { Self::end_giving_up(self, failed, 0) }
    }

    /// As [`end`](Self::end), and gives up one reference in the same step: afterwards the task may be gone.
    ///
    /// # Safety
    /// `this` points to a state of which the caller owns one reference; if the job has ended, not any more.
    pub(crate) unsafe fn end_and_release(this: *const Self, failed: bool) -> Ended {
        // SAFETY: the caller's reference.
        unsafe { Self::end_giving_up(this, failed, REFERENCE) }
    }

    /// # Safety
    /// The state lives until the job has ended by this.
    unsafe fn end_giving_up(this: *const Self, failed: bool, given_up: u64) -> Ended {
        let failed = if failed { FAILED } else { 0 };
        // SAFETY: the reference of the caller keeps the state alive until the exchange below succeeds.
        let mut word = unsafe { &*this }.0.load(Ordering::Relaxed);
        loop {
            if word & LISTENED != 0 {
                return Ended::Listened;
            }
            let ended = (word & !(STAGE | WORKER_BITS) | FINISHED | failed) - given_up;
            // SAFETY: as above. `Release` for who takes the result, `Acquire` for who frees the task.
            match unsafe { &*this }.0.compare_exchange_weak(
                word,
                ended,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) if ended < REFERENCE => return Ended::Unwanted,
                Ok(_) => return Ended::Quietly,
                Err(now) => word = now,
            }
        }
    }

    /// Ends a claimed job, listened to or not. Under the lock of the listeners.
    pub(crate) fn end_listened(&self, failed: bool) {
        let failed = if failed { FAILED } else { 0 };
        let mut word = self.0.load(Ordering::Relaxed);
        while let Err(now) = self.0.compare_exchange_weak(
            word,
            word & !(STAGE | WORKER_BITS) | FINISHED | failed,
            Ordering::Release,
            Ordering::Relaxed,
        ) {
            word = now;
        }
    }

    /// Marks the job as listened to; `false` if it has ended. Under the lock of the listeners.
    pub(crate) fn listen(&self) -> bool {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            if word & STAGE >= FINISHED {
                return false;
            }
            if word & LISTENED != 0 {
                return true;
            }
            match self.0.compare_exchange_weak(
                word,
                word | LISTENED,
                Ordering::Relaxed,
                Ordering::Acquire,
            ) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// `Finished` to `Taken`. For the one handle that may take results.
    pub(crate) fn take(&self) -> Take {
        let word = self.0.load(Ordering::Acquire);
        match word & STAGE {
            FINISHED => {
                if word >> 32 == 1 {
                    // The handle's own reference: nobody else looks at this word any more.
                    self.0.store(word + (TAKEN - FINISHED), Ordering::Relaxed);
                } else {
                    self.0.fetch_add(TAKEN - FINISHED, Ordering::Relaxed);
                }
                Take::Yours
            }
            TAKEN => Take::Gone,
            _ => Take::NotYet,
        }
    }

    pub(crate) fn add_reference(&self) {
        // Users cannot clone a reference: each belongs to a queue entry, to an entry in one of the
        // pool's lists, or to a running function, so counts stay small. The check does not rely on
        // that. Aborting at half of the range leaves room for all threads that add a reference at
        // the same moment, as in `Arc`.
        if self.0.fetch_add(REFERENCE, Ordering::Relaxed) >= MANY_REFERENCES {
            std::process::abort();
        }
    }

    /// Gives up one reference. `true` when it was the last: the task is to be freed.
    ///
    /// # Safety
    /// `this` points to a state of which the caller owns one reference, and does not any more afterwards.
    pub(crate) unsafe fn release(this: *const Self) -> bool {
        // SAFETY: the caller's reference keeps it alive up to the subtraction.
        let only = unsafe { &*this }.0.load(Ordering::Acquire) >> 32 == 1;
        // SAFETY: as above.
        if only || unsafe { &*this }.0.fetch_sub(REFERENCE, Ordering::Release) >> 32 == 1 {
            fence(Ordering::Acquire);
            return true;
        }
        false
    }

    /// For who frees the task.
    pub(crate) fn content(&mut self) -> Content {
        match self.0.load(Ordering::Relaxed) & STAGE {
            PENDING => Content::Closure,
            FINISHED => Content::Result,
            // A claimed job is freed by nobody before it has ended: who claimed it holds a reference.
            _ => Content::Nothing,
        }
    }
}

/// What came of an attempt to take the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// The caller is to move it out.
    Yours,
    NotYet,
    /// It was taken before.
    Gone,
}

#[cfg(all(test, not(model_check)))]
mod tests {
    use std::env;
    use std::process::Command;

    use super::*;

    /// Runs itself again in a child process, which has to abort.
    #[test]
    #[cfg_attr(miri, ignore = "Miri starts no process")]
    fn reference_beyond_half_of_the_count_aborts() {
        const CHILD: &str = "THREAD_POOL_TEST_COUNTS_TOO_MANY_REFERENCES";
        if env::var_os(CHILD).is_some() {
            State::new(u32::MAX / 2).add_reference();
            println!("half of the count is reached");
            State::new(u32::MAX / 2 + 1).add_reference();
            return;
        }
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("task::state::tests::reference_beyond_half_of_the_count_aborts")
            .env(CHILD, "1")
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(
            printed.contains("half of the count is reached"),
            "{printed}"
        );
        assert!(!output.status.success(), "{printed}");
    }
}
