#![doc = include_str!("../README.md")]
// Unsafe code is confined to `transport/mapping.rs`, `worker/signals.rs` and `codec/stack.rs`.
#![deny(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "process-pool needs Linux (pidfd, memfd, futex between processes): on other systems use a thread pool, or child \
     processes with pipes"
);

mod as_completed;
mod buffer;
mod builder;
mod codec;
mod error;
mod exit;
mod handle;
mod job;
mod map;
mod memory;
mod parent;
mod pool;
mod program;
mod transport;
pub mod wire;
mod worker;

pub use as_completed::{AsCompleted, Completed, TimeUp, as_completed};
pub use buffer::{Buffer, OutOfRange};
pub use builder::{BuildError, Builder};
pub use error::{Broken, Crash, JobError, StillRunning, SubmitError};
pub use exit::Exit;
pub use handle::Handle;
pub use job::Job;
pub use map::Mapping;
pub use pool::{ProcessPool, Submission};
pub use program::{Program, Registered};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whether or not a panic passed by while the lock was held.
///
/// No code of the user ever runs under one of this crate's locks, so what they guard is whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
