#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod ceiling;
mod crew;
mod error;
mod gate;
mod map;
mod stop;
mod sync;
mod task_panic;
mod threads;
mod try_map;

pub use ceiling::max_live_threads;
pub use error::{ConfigError, TaskError, TryMapError};
pub use map::map;
pub use stop::Stop;
pub use task_panic::TaskPanic;
pub use threads::Threads;
