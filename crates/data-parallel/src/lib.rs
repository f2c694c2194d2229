#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod batch;
mod cross_pool;
mod data_parallel;
mod error;
mod fold;
mod map;
mod panic;
mod pool;
mod progress;
mod stop;
mod stream;
mod sync;
mod try_map;

pub use data_parallel::DataParallel;
pub use error::{BuildError, MAX_WORKERS, TaskError, TimedOut, TryMapError};
pub use map::map;
pub use panic::TaskPanic;
pub use progress::Progress;
pub use stop::Stop;
pub use stream::Stream;

/// Private types that `tests/model_check.rs` checks.
#[cfg(model_check)]
#[doc(hidden)]
pub mod internals {
    pub use crate::batch::{Batch, Waited};
}
