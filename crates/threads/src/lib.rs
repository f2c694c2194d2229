#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod ceiling;
mod crew;
mod error;
mod permit;
mod task_panic;
mod threads;

pub use ceiling::max_live_threads;
pub use error::{ConfigError, TaskError};
pub use task_panic::TaskPanic;
pub use threads::{Threads, map};
