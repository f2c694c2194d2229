#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod contain;
mod crossing;
mod data_parallel;
mod error;
mod fold;
mod map;
mod pool;
mod progress;
mod stop;
mod stream;
mod sync;
mod task_panic;
mod try_map;

pub use data_parallel::DataParallel;
pub use error::{ConfigError, TaskError, TimedOut, TryMapError};
pub use map::map;
pub use pool::MAX_WORKERS;
pub use progress::Progress;
pub use stop::Stop;
pub use stream::Stream;
pub use task_panic::TaskPanic;
