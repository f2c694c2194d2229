#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod contain;
mod data_parallel;
mod error;
mod fold;
mod map;
mod pool;
mod task_panic;
mod try_map;

pub use data_parallel::DataParallel;
pub use error::{ConfigError, TaskError, TryMapError};
pub use map::map;
pub use pool::MAX_WORKERS;
pub use task_panic::TaskPanic;
