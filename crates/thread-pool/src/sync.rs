//! What the protocols between threads are made of: the standard library's. The model checks compile the same protocols
//! with a module of this name that has loom's.

pub(crate) use crossbeam_deque as deque;
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic};
pub(crate) use std::{thread, thread_local};

use std::time::{Duration, Instant};

/// Parks this thread until it is unparked, for no reason at all, or because the deadline has passed.
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

/// What one who spins does between some looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// Goes on looking.
    Nothing,
    /// Lets another thread have the core, if one wants it.
    Yield,
}

/// Spins until `condition` holds, for about `limit` at most, and says whether it does.
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

/// So many looks take some half a microsecond: what a system call costs that finds nobody to yield to.
const LOOKS: usize = 16;

/// As std's, with access as loom's has it.
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// The pointer is for reading while nobody writes.
    pub(crate) fn with<U>(&self, f: impl FnOnce(*const T) -> U) -> U {
        f(self.0.get())
    }

    /// The pointer is for one who is alone with the value.
    pub(crate) fn with_mut<U>(&self, f: impl FnOnce(*mut T) -> U) -> U {
        f(self.0.get())
    }
}
