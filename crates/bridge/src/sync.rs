//! What the protocols between threads are made of: the standard library's. The model checks compile the same protocols
//! with a module of this name that has loom's.

pub(crate) use std::sync::{Mutex, MutexGuard, atomic};
pub(crate) use std::thread::{self, Thread};

use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Locks, whether or not a panic passed by while the lock was held.
///
/// No code of the user ever runs under one of this crate's locks, so what they guard is whole at every moment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Parks this thread until it is unparked, for no reason at all, or because the deadline has passed.
pub(crate) fn park_until(deadline: Option<Instant>) {
    match deadline {
        None => thread::park(),
        Some(deadline) => {
            thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
        }
    }
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

/// So many looks take about as long as a system call that finds nobody to yield to; the number is a guess that did well.
const LOOKS: usize = 16;
