//! What the protocols between threads are made of: the standard library's. The model checks compile
//! the same protocols with a module of this name that has loom's.

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

/// What a spinning thread does after every few checks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// Continues to check.
    Nothing,
    /// Yields the core to another runnable thread.
    Yield,
}

/// Spins until `condition` holds, for at most about `limit`. Returns whether it holds.
pub(crate) fn spin_until(limit: Duration, between: Between, condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        for _ in 0..LOOKS {
            if condition() {
                return true;
            }
            std::hint::spin_loop();
        }
        if start.elapsed() >= limit {
            return false;
        }
        if between == Between::Yield {
            thread::yield_now();
        }
    }
}

/// The number of checks between two looks at the clock. They take about half a microsecond, the
/// cost of a yield that finds no other thread.
const LOOKS: usize = 16;

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
