#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod as_completed;
mod builder;
mod caller;
mod cluster;
mod codec;
mod counts;
mod error;
mod finished_queue;
mod frames;
mod handle;
mod ids;
mod job;
mod local;
mod map;
#[cfg(feature = "nats")]
mod nats;
mod order;
mod panic;
mod reason;
mod registry;
mod retry;
mod shared;
mod slots;
mod sync;

pub use as_completed::{AsCompleted, Completed, as_completed};
pub use builder::Builder;
pub use cluster::{Cluster, Submission};
pub use counts::Counts;
pub use error::{BuildError, JobError, Poisoned, StillRunning, SubmitError, TimedOut};
pub use handle::Handle;
pub use job::Job;
pub use map::iter::MapIter;
pub use map::mapping::Mapping;
pub use map::stream::MapStream;
#[cfg(feature = "nats")]
pub use nats::connection::Connection;
#[cfg(feature = "nats")]
pub use nats::worker::builder::{Worker, worker};
#[cfg(feature = "nats")]
pub use nats::worker::running::{RunningWorker, WorkerError};
pub use panic::TaskPanic;
pub use reason::Reason;
pub use registry::{Jobs, Registered};
pub use retry::Retry;
pub use slots::call::Call;
