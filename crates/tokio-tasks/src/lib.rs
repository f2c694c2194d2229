#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod contained;
mod group;
mod local;
mod map;
mod outcome;
mod panic;
mod running;
mod runtime;
mod slots;
mod tasks;
mod timeout;
mod turn;

pub use group::{GroupError, TaskFailure, TaskGroup};
pub use local::map_local;
pub use map::map;
pub use outcome::TaskError;
pub use panic::TaskPanic;
pub use tasks::Tasks;
pub use timeout::{Elapsed, timeout};
