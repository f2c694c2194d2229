#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod builder;
mod error;
mod handle;
mod ledger;
mod map;
mod map_state;
mod panic;
mod pool;
mod shared;
mod sleep;
mod task;
mod waits;
mod worker;

pub use builder::{BuildError, Builder};
pub use error::{JobError, StillRunning, SubmitError};
pub use handle::Handle;
pub use map::{MapHandle, Mapping};
pub use panic::TaskPanic;
pub use pool::ThreadPool;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whether or not a panic passed by while the lock was held.
///
/// No code of the user ever runs under one of this crate's locks, so what they guard is whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
