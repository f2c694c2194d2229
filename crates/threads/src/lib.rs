#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod ceiling;
mod crew;
mod error;
mod gate;
mod map;
mod panic;
mod stop;
mod sync;
mod threads;
mod try_map;

pub use ceiling::max_live_threads;
pub use error::{ConfigError, TaskError, TryMapError};
pub use map::map;
pub use panic::TaskPanic;
pub use stop::Stop;
pub use threads::Threads;
