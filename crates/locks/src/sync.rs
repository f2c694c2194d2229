//! The primitives under the checked protocols: std's, or loom's under `cfg(model_check)`.

use std::time::Instant;

#[cfg(model_check)]
pub(crate) use loom::{
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    sync::{Condvar, Mutex, MutexGuard},
    thread::{Thread, current, park},
};
#[cfg(not(model_check))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    sync::{Condvar, Mutex, MutexGuard},
    thread::{Thread, current, park},
};

/// A `const fn`, or a plain function under loom, whose primitives have no `const` constructors.
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty $body:block) => {
        #[cfg(not(model_check))]
        $(#[$meta])*
        $vis const fn $name($($arg: $type),*) -> $result $body
        #[cfg(model_check)]
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) -> $result $body
    };
}
pub(crate) use const_fn;

/// Ignores poison: no code of the caller runs under these locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Parks until unparked, spuriously, or until the deadline. `false` if the deadline has passed.
#[cfg(not(model_check))]
pub(crate) fn park_until(deadline: Option<Instant>) -> bool {
    let Some(deadline) = deadline else {
        park();
        return true;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return false;
    }
    std::thread::park_timeout(left);
    true
}

/// As above, with a deadline that passes at once: loom resumes this thread at any later step.
#[cfg(model_check)]
pub(crate) fn park_until(deadline: Option<Instant>) -> bool {
    if deadline.is_none() {
        park();
    }
    deadline.is_none()
}

/// Waits until notified, spuriously, or until the deadline. `false` if the deadline has passed.
#[cfg(not(model_check))]
pub(crate) fn wait_until<'a, T>(
    condition: &Condvar,
    _mutex: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> (MutexGuard<'a, T>, bool) {
    use std::sync::PoisonError;
    let Some(deadline) = deadline else {
        let guard = condition.wait(guard);
        return (guard.unwrap_or_else(PoisonError::into_inner), true);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return (guard, false);
    }
    let (guard, _) = condition
        .wait_timeout(guard, left)
        .unwrap_or_else(PoisonError::into_inner);
    (guard, true)
}

/// As above, with a deadline that passes at once, after the lock has been released in between.
#[cfg(model_check)]
pub(crate) fn wait_until<'a, T>(
    condition: &Condvar,
    mutex: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> (MutexGuard<'a, T>, bool) {
    if deadline.is_none() {
        let guard = condition.wait(guard);
        return (
            guard.unwrap_or_else(std::sync::PoisonError::into_inner),
            true,
        );
    }
    drop(guard);
    (lock(mutex), false)
}
