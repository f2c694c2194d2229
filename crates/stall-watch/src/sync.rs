//! The primitives of this crate's protocols: those of the standard library, or loom's under
//! `cfg(model_check)`, so that `tests/model_check.rs` checks the code that ships.

#[cfg(model_check)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(model_check))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, ignoring poison: no user code runs under a lock of this crate.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
