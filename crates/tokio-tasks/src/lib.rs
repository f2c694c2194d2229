#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod completed;
mod contained;
mod fan_out;
mod first;
mod group;
mod in_order;
mod inbox;
mod inputs;
mod local;
mod map;
mod outcome;
mod panic;
mod retry;
mod running;
mod runtime;
mod slots;
mod sync;
mod tasks;
mod timeout;
mod turn;
mod wake;

pub use completed::{AsCompleted, as_completed, as_completed_stream};
pub use first::{NoFutures, first_completed};
pub use group::{GroupEnded, GroupError, Spawner, TaskFailure, TaskGroup};
pub use inputs::StreamInputs;
pub use local::map_local;
pub use map::{gather, map, map_stream};
pub use outcome::TaskError;
pub use panic::TaskPanic;
pub use retry::{Backoff, GaveUp, Retry, RetryError, RetryIf};
pub use tasks::Tasks;
pub use timeout::{Elapsed, deadline, timeout};
