//! What `src/sync.rs` offers, made of loom.

pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};
pub(crate) use loom::thread::{self, Thread};

use std::sync::PoisonError;
use std::time::{Duration, Instant};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Time does not pass here: only models without deadlines come by.
pub(crate) fn park_until(deadline: Option<Instant>) {
    assert!(deadline.is_none());
    thread::park();
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    Nothing,
    Yield,
}

/// Nobody spins: what a longer look would have seen, another order of the steps shows.
pub(crate) fn spin_until(_: Duration, _: Between, condition: impl Fn() -> bool) -> bool {
    condition()
}
