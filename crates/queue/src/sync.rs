//! The primitives that the protocols rest on: std's, or loom's when they are model-checked.

#[cfg(model_check)]
pub(crate) use loom::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};
#[cfg(not(model_check))]
pub(crate) use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

use std::sync::PoisonError;

/// Locks, whether or not a panic passed by while the lock was held.
///
/// No code of the user ever runs under one of these locks, so what they guard is whole at every moment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stands between a `SeqCst` write and the `SeqCst` reads that must not be older than it.
///
/// The language orders those by itself: all `SeqCst` operations are in one order. Loom takes them for `AcqRel` and knows
/// that one order for fences only, so it gets a fence here.
#[inline]
pub(crate) fn sequenced() {
    #[cfg(model_check)]
    loom::sync::atomic::fence(Ordering::SeqCst);
}
