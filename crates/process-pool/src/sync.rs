//! The primitives of this crate's protocols: std's and the kernel's, or loom's under the model
//! checker (`tests/model_check.rs`).

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[cfg(model_check)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(model_check))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Locks, even after a panic. No user code runs under a lock of this crate, so a panic leaves
/// nothing half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until notified, spuriously, or until the deadline. `false` if the deadline has passed.
pub(crate) fn wait_until<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> (MutexGuard<'a, T>, bool) {
    let Some(deadline) = deadline else {
        let guard = condvar.wait(guard);
        return (guard.unwrap_or_else(PoisonError::into_inner), true);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return (guard, false);
    }
    let woken = condvar.wait_timeout(guard, left);
    (woken.unwrap_or_else(PoisonError::into_inner).0, true)
}

/// The kernel's part of a futex whose word is shared between processes.
#[cfg(not(model_check))]
pub(crate) struct Futex;

#[cfg(not(model_check))]
impl Futex {
    /// Sleeps while the word has this value, at most `timeout`. May return early.
    pub(crate) fn wait(&self, word: &AtomicU32, value: u32, timeout: Option<Duration>) {
        use rustix::thread::futex;
        let timeout = timeout.and_then(|time| rustix::fs::Timespec::try_from(time).ok());
        // Interrupted, changed or timed out: the caller checks for itself.
        let _ = futex::wait(word, futex::Flags::empty(), value, timeout.as_ref());
    }

    /// Wakes all sleepers.
    pub(crate) fn wake(&self, word: &AtomicU32) {
        use rustix::thread::futex;
        // It fails only for an invalid address.
        let _ = futex::wake(word, futex::Flags::empty(), i32::MAX as u32);
    }
}

/// A model of the kernel's part: the word is checked under a lock that a waker takes too.
#[cfg(model_check)]
pub(crate) struct Futex {
    lock: loom::sync::Mutex<()>,
    woken: loom::sync::Condvar,
}

#[cfg(model_check)]
impl Futex {
    pub(crate) fn new() -> Self {
        Self {
            lock: loom::sync::Mutex::new(()),
            woken: loom::sync::Condvar::new(),
        }
    }

    /// No time passes in a model: a lost wake-up is a deadlock, which loom reports.
    pub(crate) fn wait(&self, word: &AtomicU32, value: u32, _: Option<Duration>) {
        let mut held = self.lock.lock().unwrap();
        while word.load(Ordering::Relaxed) == value {
            held = self.woken.wait(held).unwrap();
        }
    }

    pub(crate) fn wake(&self, _: &AtomicU32) {
        drop(self.lock.lock().unwrap());
        self.woken.notify_all();
    }
}
