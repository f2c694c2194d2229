//! The primitives of std and crossbeam.

pub(crate) use crossbeam_deque as deque;
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic};
pub(crate) use std::{thread, thread_local};

use std::time::{Duration, Instant};

/// Parks this thread until it is unparked, wakes spuriously, or the deadline has passed.
pub(crate) fn park_until(deadline: Option<Instant>) {
    match deadline {
        None => thread::park(),
        Some(deadline) => {
            thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

/// Whether `pause` has passed since `start`.
pub(crate) fn has_passed(start: Instant, pause: Duration) -> bool {
    start.elapsed() >= pause
}

/// Spins until `condition` holds, for at most about `limit`. Returns whether it holds. Calls
/// `pause` after every few checks.
pub(crate) fn spin_until(limit: Duration, pause: impl Fn(), condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        for _ in 0..CHECKS {
            if condition() {
                return true;
            }
            std::hint::spin_loop();
        }
        if start.elapsed() >= limit {
            return false;
        }
        pause();
    }
}

/// The number of checks between two looks at the clock. They take about half a microsecond, the
/// cost of a yield that finds no other thread.
const CHECKS: usize = 16;

/// The cell of std with the interface of loom's.
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Calls `f` with a pointer for reading, while no thread writes.
    pub(crate) fn with<U>(&self, f: impl FnOnce(*const T) -> U) -> U {
        f(self.0.get())
    }

    /// Calls `f` with a pointer for exclusive access.
    pub(crate) fn with_mut<U>(&self, f: impl FnOnce(*mut T) -> U) -> U {
        f(self.0.get())
    }
}
