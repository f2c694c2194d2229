#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod blueprint;
mod builder;
mod counts;
mod error;
mod handle;
mod keep_going;
mod outputs;
mod panic;
mod plan;
mod running;
mod sync;
mod worker;

#[cfg(not(model_check))]
mod protocols;
#[cfg(model_check)]
#[doc(hidden)]
pub mod protocols;

pub use builder::Pipeline;
pub use counts::{Counts, MAX_WORKERS, StageCounts};
pub use error::{BuildError, Cause, ItemError, PipelineError};
pub use handle::Handle;
pub use keep_going::KeepGoing;
pub use outputs::Outputs;
pub use panic::TaskPanic;
pub use running::Running;
