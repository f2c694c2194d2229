#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod adapters;
mod listener;
mod offload;
mod outcome;
mod panic;
mod portal;
mod sync;
mod timer;

pub use adapters::{
    AsyncReader, AsyncWriter, BlockingReader, BlockingWriter, IterStream, StreamIter,
};
pub use offload::{
    BuildError, Builder, Job, Offload, OffloadError, Refusal, Refused, Run, StillRunning,
};
pub use panic::TaskPanic;
pub use portal::{Call, CallError, LocalPortal, Portal, PortalLoop, WouldDeadlock};
