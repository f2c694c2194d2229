#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]

mod backlog;
mod builder;
mod callback;
mod crew;
mod ending;
mod error;
mod group;
mod handle;
mod initializer;
mod ledger;
mod listeners;
mod map;
mod map_state;
mod panic;
mod pool;
mod reports;
mod scope;
mod search;
mod shared;
mod sleep;
mod stream;
mod stream_state;
mod submit;
mod sync;
mod task;
mod waits;
mod worker;

pub use builder::{BuildError, Builder};
pub use error::{JobError, Refusal, StillRunning, SubmitError, TimedOut};
pub use group::{AsCompleted, Completed, WaitFor, Waited, as_completed, wait, wait_timeout};
pub use handle::Handle;
pub use initializer::InitializerError;
pub use map::{MapHandle, Mapping};
pub use panic::TaskPanic;
pub use pool::ThreadPool;
pub use scope::{Scope, ScopedHandle};
pub use stream::MapStream;

use std::sync::PoisonError;

use sync::{Mutex, MutexGuard};

/// Locks, whether or not a panic passed by while the lock was held.
///
/// No code of the user ever runs under one of this crate's locks, so what they guard is whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
