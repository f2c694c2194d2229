//! The primitives under the checked protocols: std's, or loom's under `cfg(model_check)`.
//!
//! Several crates link this file.

#![allow(
    unused_imports,
    reason = "a crate that links this file may need a part of it"
)]

use std::sync::{LockResult, PoisonError};
use std::time::Instant;

#[cfg(model_check)]
pub(crate) use loom::{
    sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool},
    thread::{ThreadId, current},
};
#[cfg(not(model_check))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool},
    thread::{ThreadId, current},
};

/// Ignores poison: no code of the caller runs under these locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    unpoisoned(mutex.lock())
}

/// Waits to be notified, at most until `deadline`.
pub(crate) fn wait<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> MutexGuard<'a, T> {
    match deadline {
        None => unpoisoned(condvar.wait(guard)),
        Some(deadline) => {
            let time = deadline.saturating_duration_since(Instant::now());
            unpoisoned(condvar.wait_timeout(guard, time)).0
        }
    }
}

fn unpoisoned<T>(result: LockResult<T>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}
