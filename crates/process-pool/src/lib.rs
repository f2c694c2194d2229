#![doc = include_str!("../README.md")]
// Unsafe code is confined to `transport/mapping.rs`, `worker/signals.rs` and `codec/stack.rs`.
#![deny(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "effective-process-pool needs Linux (pidfd, memfd, futex between processes): on other systems \
     use a thread pool, or child processes with pipes"
);

mod as_completed;
mod buffer;
mod builder;
mod codec;
mod error;
mod exit;
mod finished_queue;
mod handle;
mod job;
mod map;
mod memory;
mod panic;
mod parent;
mod pool;
mod program;
mod sync;
mod transfer;
mod transport;
pub mod wire;
mod worker;
mod worker_config;

pub use as_completed::{AsCompleted, Completed, as_completed};
pub use buffer::{Buffer, OutOfRange};
pub use builder::Builder;
pub use error::{Broken, BuildError, Crash, JobError, StillRunning, SubmitError, TimedOut};
pub use exit::Exit;
pub use handle::Handle;
pub use job::Job;
pub use map::Mapping;
pub use panic::TaskPanic;
pub use pool::{ProcessPool, Submission};
pub use program::{Program, Registered};

/// The protocol of the shared memory, for the model checks.
#[cfg(model_check)]
#[doc(hidden)]
pub mod protocol {
    pub use crate::transport::{bell, bytes, slot};
}
