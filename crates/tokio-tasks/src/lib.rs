#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod completed;
mod contained;
mod fan_out;
mod first;
mod group;
mod in_order;
mod inbox;
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

pub use completed::{AsCompleted, as_completed};
pub use first::{NoFutures, first_completed};
pub use group::{GroupError, TaskFailure, TaskGroup};
pub use local::map_local;
pub use map::{gather, map};
pub use outcome::TaskError;
pub use panic::TaskPanic;
pub use retry::{Backoff, GaveUp, Retry, RetryError, RetryIf};
pub use tasks::Tasks;
pub use timeout::{Elapsed, deadline, timeout};
