//! The state of a task in one atomic word: its stage, whether it has listeners, and its reference
//! count. With all three in one word, ending a job is a single step.
//!
//! ```text
//! Pending ──claim──▶ Running ──────▶ Finished ──take──▶ Taken
//!    └──claim_to_cancel──▶ Cancelling ──▶ Finished
//! ```
//! The claimer has exclusive access to the closure, and then to the place of the result, until it
//! sets `Finished`. From then on that place belongs to the handle.
//!
//! *Listened* means that the task has a listener, which was added under the lock of the listeners.
//! A job without listeners ends in one step, which also releases the reference of the queue. A job
//! with listeners ends under their lock. Setting the mark and ending the job are both
//! read-modify-writes of this word, so the later one sees the earlier one and no listener is
//! forgotten.
//!
//! References are counted as in `Arc`, with one difference: the holder of the only reference has no
//! other thread to synchronise with and skips the read-modify-write. Collecting many results finds
//! most tasks in this state.

#![allow(
    unsafe_code,
    reason = "after the last step on a state the task may be freed, so no Rust reference to it may be held"
)]

use crate::sync::atomic::{AtomicU64, Ordering, fence};

/// The progress of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Pending,
    /// Running on the worker with this index.
    Running(usize),
    /// Cancelled, while its closure is dropped.
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
/// The index of the worker that runs it: 16 bits from here.
const WORKER: u32 = 8;
const WORKER_BITS: u64 = 0xffff << WORKER;
/// The reference count: the upper half.
const REFERENCE: u64 = 1 << 32;
/// Half of the range of the count.
const MANY_REFERENCES: u64 = 1 << 63;

/// The content of a task that is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Closure,
    Result,
    Nothing,
}

/// The outcome of an attempt to end a job in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The job has ended.
    Quietly,
    /// The job has ended, and the released reference was the last: the caller must free the task.
    Unwanted,
    /// The job has listeners; nothing was changed.
    Listened,
}

pub(crate) struct State(AtomicU64);

impl State {
    /// A pending job with `references` references.
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

    /// Whether the result has been taken.
    pub(crate) fn is_taken(&self) -> bool {
        self.0.load(Ordering::Relaxed) & STAGE == TAKEN
    }

    /// Claims the job. On `true`, the caller has exclusive access to the closure.
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

    /// Ends a claimed job whose result is stored, unless it has listeners.
    pub(crate) fn end(&self, failed: bool) -> Ended {
        // SAFETY: the borrow keeps it alive, and no reference is released.
        unsafe { Self::end_giving_up(self, failed, 0) }
    }

    /// As [`end`](Self::end), and releases one reference in the same step. Afterwards the task may
    /// be freed.
    ///
    /// # Safety
    /// `this` points to a state of which the caller owns one reference, which it loses if the job
    /// ends.
    pub(crate) unsafe fn end_and_release(this: *const Self, failed: bool) -> Ended {
        // SAFETY: the caller's reference.
        unsafe { Self::end_giving_up(this, failed, REFERENCE) }
    }

    /// # Safety
    /// The state stays alive until this call ends the job.
    unsafe fn end_giving_up(this: *const Self, failed: bool, given_up: u64) -> Ended {
        let failed = if failed { FAILED } else { 0 };
        // SAFETY: the reference of the caller keeps the state alive until the exchange below
        // succeeds.
        let mut word = unsafe { &*this }.0.load(Ordering::Relaxed);
        loop {
            if word & LISTENED != 0 {
                return Ended::Listened;
            }
            let ended = (word & !(STAGE | WORKER_BITS) | FINISHED | failed) - given_up;
            // SAFETY: as above. `Release` for the taker of the result, `Acquire` for freeing the
            // task.
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

    /// Ends a claimed job, with or without listeners. Called under the lock of the listeners.
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

    /// Marks the job as listened to. Returns `false` if it has ended. Called under the lock of the
    /// listeners.
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

    /// `Finished` to `Taken`, for the one handle of the task.
    pub(crate) fn take(&self) -> Take {
        let word = self.0.load(Ordering::Acquire);
        match word & STAGE {
            FINISHED => {
                if word >> 32 == 1 {
                    // Only the handle's own reference is left: no other thread accesses this word.
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
        // Users cannot clone a reference, so counts stay small, but the check does not rely on
        // that. As in `Arc`, aborting at half of the range leaves room for all threads that add a
        // reference at the same moment.
        if self.0.fetch_add(REFERENCE, Ordering::Relaxed) >= MANY_REFERENCES {
            std::process::abort();
        }
    }

    /// Releases one reference. Returns `true` if it was the last: the caller must free the task.
    ///
    /// # Safety
    /// `this` points to a state of which the caller owns one reference, which it loses.
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

    /// The content, to be dropped with the task.
    pub(crate) fn content(&mut self) -> Content {
        match self.0.load(Ordering::Relaxed) & STAGE {
            PENDING => Content::Closure,
            FINISHED => Content::Result,
            // A claimed job is not freed before it has ended, since the claimer holds a reference.
            _ => Content::Nothing,
        }
    }
}

/// The outcome of an attempt to take the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// The caller must move it out.
    Yours,
    NotYet,
    /// Taken before.
    Gone,
}

#[cfg(all(test, not(model_check)))]
mod tests {
    use std::env;
    use std::process::Command;

    use super::*;

    /// Runs itself again in a child process, which must abort.
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
