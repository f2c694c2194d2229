#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod map;
mod max_threads;
mod panic;
mod permits;
mod stop;
mod sync;
mod threads;
mod try_map;
mod workers;

pub use error::{TaskError, TryMapError};
pub use map::map;
pub use max_threads::max_live_threads;
pub use panic::TaskPanic;
pub use stop::Stop;
pub use threads::Threads;

/// Private types that `tests/model_check.rs` checks.
#[cfg(model_check)]
#[doc(hidden)]
pub mod internals {
    pub use crate::permits::{Denied, Permits};
    pub use crate::stop::child;
}
