//! The primitives of the protocols: std's, or loom's when a model is checked.

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

/// Locks. No user code runs under these locks, so a poisoned one holds nothing half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Separates a `SeqCst` write from the `SeqCst` reads that must not be older than it.
///
/// The language orders those by itself: all `SeqCst` operations are in one total order. Loom treats
/// them as `AcqRel` and knows that order only for fences, so it gets a fence here.
#[inline]
pub(crate) fn sequenced() {
    #[cfg(model_check)]
    loom::sync::atomic::fence(Ordering::SeqCst);
}
