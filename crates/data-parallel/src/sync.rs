//! The primitives of this crate's own protocol, the pieces of a stream: std's, or loom's when a model is checked.

#[cfg(not(model_check))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard},
    thread::{ThreadId, current},
};

#[cfg(model_check)]
pub(crate) use loom::{
    sync::{Condvar, Mutex, MutexGuard},
    thread::{ThreadId, current},
};

use std::sync::{LockResult, PoisonError};
use std::time::Instant;

/// No user code runs under a lock of this crate, so a poisoned one is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    unpoisoned(mutex.lock())
}

/// Wait to be notified, or until the instant comes. Without one, for as long as it takes.
pub(crate) fn wait<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    until: Option<Instant>,
) -> MutexGuard<'a, T> {
    match until {
        None => unpoisoned(condvar.wait(guard)),
        Some(until) => {
            let time = until.saturating_duration_since(Instant::now());
            unpoisoned(condvar.wait_timeout(guard, time)).0
        }
    }
}

fn unpoisoned<T>(result: LockResult<T>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}
