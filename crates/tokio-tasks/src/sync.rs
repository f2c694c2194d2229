//! The locks of this crate: std's, or loom's when the model is checked.

#[cfg(model_check)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(model_check))]
pub(crate) use std::sync::{Mutex, MutexGuard};

use std::sync::PoisonError;

/// Locks, even if a panic has poisoned the lock.
///
/// No user code runs under these locks, so the data is always consistent.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
