#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod adapters;
mod offload;
mod oneshot;
mod panic;
mod portal;
mod sync;
mod timer;
mod waiter;

pub use adapters::async_reader::AsyncReader;
pub use adapters::async_writer::AsyncWriter;
pub use adapters::blocking_reader::BlockingReader;
pub use adapters::blocking_writer::BlockingWriter;
pub use adapters::iter_stream::IterStream;
pub use adapters::stream_iter::StreamIter;
pub use offload::builder::Builder;
pub use offload::error::{BuildError, OffloadError, Refusal, Refused, StillRunning};
pub use offload::handle::Offload;
pub use offload::run::{Job, Run};
pub use panic::TaskPanic;
pub use portal::call::Call;
pub use portal::error::{CallError, WouldDeadlock};
pub use portal::handle::Portal;
pub use portal::local::{LocalPortal, PortalLoop};

/// The protocols that `tests/model_check.rs` checks.
#[cfg(model_check)]
#[doc(hidden)]
pub mod model {
    pub use crate::offload::dispatch::{Dispatch, IfFull};
    pub use crate::offload::job_list::{EntryState, Queued};
    pub use crate::offload::state::{Action, Limits};
    pub use crate::oneshot::OneShot;
    pub use crate::portal::call_state::CallState;
}
