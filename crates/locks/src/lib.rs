#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod event;
mod panic;
pub mod races;
mod semaphore;
pub mod sharded;
mod sync;
mod timed_mutex;
mod timed_out;
mod wait_queue;

pub use event::Event;
pub use semaphore::{OwnedPermit, Permit, Semaphore};
pub use timed_mutex::{TimedMutex, TimedMutexGuard};
pub use timed_out::TimedOut;

/// Private types that `tests/model_check.rs` checks.
#[cfg(model_check)]
#[doc(hidden)]
pub mod internals {
    pub use crate::sharded::index_pool::IndexPool;
}
