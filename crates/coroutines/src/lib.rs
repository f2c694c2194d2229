#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod completed;
mod first;
mod group;
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

pub use completed::{AsCompleted, as_completed};
pub use first::{NoFutures, first_completed};
pub use group::{GroupError, TaskFailure, TaskGroup};
pub use map::{gather, map};
pub use outcome::TaskError;
pub use panic::TaskPanic;
pub use retry::{Backoff, GaveUp, Retry, RetryError, RetryIf};
pub use tasks::Tasks;
pub use timeout::{Elapsed, deadline, timeout};
