#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod event;
pub mod races;
mod semaphore;
pub mod sharded;
mod sync;
mod timed_mutex;
mod timed_out;

pub use event::Event;
pub use semaphore::{OwnedPermit, Permit, Semaphore};
pub use timed_mutex::{TimedMutex, TimedMutexGuard};
pub use timed_out::TimedOut;
