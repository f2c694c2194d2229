#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod completed;
mod first;
mod group;
mod inputs;
mod map;
mod outcome;
mod panic;
mod results;
mod retry;
mod running;
mod set;
mod tasks;
mod timeout;
mod turn;

pub use completed::{AsCompleted, as_completed, as_completed_stream};
pub use first::{NoFutures, first_completed};
pub use group::{
    GroupEnded, GroupError, SendSpawner, SendTaskGroup, Spawner, TaskFailure, TaskGroup,
};
pub use inputs::StreamInputs;
pub use map::{gather, map, map_stream};
pub use outcome::TaskError;
pub use panic::TaskPanic;
pub use retry::{Backoff, GaveUp, Retry, RetryError, RetryIf};
pub use tasks::Tasks;
pub use timeout::{Elapsed, deadline, timeout};
