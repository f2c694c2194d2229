//! A bell: a futex word on which one side sleeps until the other has something for it. Ringing
//! costs no system call while nobody sleeps.
//!
//! It is an event count for a single sleeper. The sleeper arms the bell, checks *again* for what it
//! waits for, and only then sleeps. The other side publishes first and checks the bell afterwards.
//! Each side has a sequentially consistent fence between its two steps, so at least one side sees
//! the other (Dekker's argument).

#![cfg_attr(
    not(model_check),
    allow(unreachable_pub, reason = "public for the model checks")
)]

use std::hint::spin_loop;
use std::thread::yield_now;
use std::time::{Duration, Instant};

use crate::sync::{AtomicU32, Futex, Ordering, fence};

const QUIET: u32 = 0;
const ARMED: u32 = 1;

/// One word in shared memory. All zeros is a quiet bell.
///
/// The accesses to the word are sequentially consistent too. The fences would suffice; but this
/// costs nothing where it is fast, and loom, which orders fewer writes than the language does, can
/// then follow the argument.
#[cfg_attr(not(model_check), repr(transparent))]
pub struct Bell {
    word: AtomicU32,
    futex: Futex,
}

impl Bell {
    /// A quiet bell.
    #[cfg(model_check)]
    pub fn new() -> Self {
        Self {
            word: AtomicU32::new(QUIET),
            futex: Futex::new(),
        }
    }

    /// Announces that the owner is about to sleep. It must check once more for what it waits for.
    pub fn arm(&self) {
        self.word.store(ARMED, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Announces that the owner is awake.
    pub fn disarm(&self) {
        self.word.store(QUIET, Ordering::SeqCst);
    }

    /// Whether the owner sleeps or is about to.
    pub fn is_armed(&self) -> bool {
        self.word.load(Ordering::Relaxed) == ARMED
    }

    /// Whether the owner must be woken: `true` once per arming. Call [`published`] before.
    pub fn take(&self) -> bool {
        // The load first: a swap would take the cache line from the other side needlessly.
        self.word.load(Ordering::SeqCst) == ARMED
            && self.word.swap(QUIET, Ordering::SeqCst) == ARMED
    }

    /// Sleeps while the bell is armed, at most `timeout`. May return early.
    pub fn sleep(&self, timeout: Option<Duration>) {
        self.futex.wait(&self.word, ARMED, timeout);
    }

    /// Wakes all threads that sleep on the bell.
    pub fn wake(&self) {
        self.futex.wake(&self.word);
    }
}

/// The fence between publishing and [`Bell::take`].
pub fn published() {
    fence(Ordering::SeqCst);
}

/// A few times the time in which two processors hand over a word.
const SPIN_ALONE: Duration = Duration::from_micros(2);
/// A few times the time in which two processes hand over a job.
const SPIN_IN_ALL: Duration = Duration::from_micros(40);

/// Spins until the condition holds, for a limited time. Returns whether it holds.
///
/// If it takes longer than two processors need, the other process may be waiting for this very
/// processor. From then on the thread yields, which also shows the scheduler that both want to run,
/// so that it moves one of them.
pub(crate) fn spin_until(holds: impl Fn() -> bool) -> bool {
    let mut start = None;
    loop {
        for _ in 0..32 {
            if holds() {
                return true;
            }
            spin_loop();
        }
        // The clock costs as much as several checks, and is often not needed.
        let spent = start.get_or_insert_with(Instant::now).elapsed();
        if spent > SPIN_IN_ALL {
            return false;
        }
        if spent > SPIN_ALONE {
            yield_now();
        }
    }
}
