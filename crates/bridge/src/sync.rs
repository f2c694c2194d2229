//! The primitives of this crate's protocols: those of the standard library, or loom's under
//! `cfg(model_check)`, so that `tests/model_check.rs` checks the code that ships.

#[cfg(model_check)]
pub(crate) use loom::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread::{self, Thread},
};
#[cfg(not(model_check))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread::{self, Thread},
};

use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Locks, ignoring poison: no user code runs under one of this crate's locks, so the data is never
/// left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Parks this thread until it is unparked, wakes spuriously, or the deadline has passed.
#[cfg(not(model_check))]
pub(crate) fn park_until(deadline: Option<Instant>) {
    match deadline {
        None => thread::park(),
        Some(deadline) => {
            thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

/// Time does not pass in a model: only models without deadlines come here.
#[cfg(model_check)]
pub(crate) fn park_until(deadline: Option<Instant>) {
    assert!(deadline.is_none());
    thread::park();
}

/// The pause of a spinning thread after every few checks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    None,
    /// Offers its core to another thread.
    Yield,
}

/// Spins until `condition` holds, for about `limit` at most, and returns whether it does.
#[cfg(not(model_check))]
pub(crate) fn spin_until(limit: Duration, pause: Pause, condition: impl Fn() -> bool) -> bool {
    /// About as many as fit into a yield that finds no other runnable thread. A guess that did well
    /// in the benches.
    const CHECKS: usize = 16;

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
        if pause == Pause::Yield {
            thread::yield_now();
        }
    }
}

/// A model does not spin: another order of the steps shows what a later check would have seen.
#[cfg(model_check)]
pub(crate) fn spin_until(_: Duration, _: Pause, condition: impl Fn() -> bool) -> bool {
    condition()
}
