//! The primitives of the protocols between threads: those of std and crossbeam, or their models.
//!
//! With `--cfg model_check` they come from loom, so that the model checks run the code of this
//! crate as it ships.

#[cfg(model_check)]
pub(crate) mod deque;
#[cfg(model_check)]
mod model;
#[cfg(not(model_check))]
mod native;

use std::sync::PoisonError;
use std::time::Instant;

#[cfg(model_check)]
pub(crate) use model::*;
#[cfg(not(model_check))]
pub(crate) use native::*;

/// Locks, even if the mutex is poisoned.
///
/// No user code runs under a lock of this crate, so a panic never leaves broken data behind.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until notified or woken spuriously (`true`), or until the deadline has passed (`false`).
pub(crate) fn wait_until<'a, T>(
    condition: &Condvar,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> (MutexGuard<'a, T>, bool) {
    let Some(deadline) = deadline else {
        let guard = condition.wait(guard);
        return (guard.unwrap_or_else(PoisonError::into_inner), true);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return (guard, false);
    }
    let waited = condition.wait_timeout(guard, left);
    (waited.unwrap_or_else(PoisonError::into_inner).0, true)
}
