#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

/// The first lines of an example in the documentation: the imports and the runtime.
///
/// The files with the examples are links to those of `tokio-tasks`, so they name neither the crate
/// nor its runtime.
macro_rules! example {
    ($item:ident) => {
        concat!(
            "use effective_async_std_tasks::",
            stringify!($item),
            ";\n\n# #[async_std::main]\n",
            "# async fn main() -> Result<(), Box<dyn std::error::Error>> {"
        )
    };
    ($($item:ident),+) => {
        concat!(
            "use effective_async_std_tasks::{",
            stringify!($($item),+),
            "};\n\n# #[async_std::main]\n",
            "# async fn main() -> Result<(), Box<dyn std::error::Error>> {"
        )
    };
}

mod catch_unwind;
mod completed;
mod error;
mod fan_out;
mod first;
mod group;
mod in_order;
mod inbox;
mod inputs;
mod local;
mod map;
mod map_with_settings;
mod panic;
mod poll_budget;
mod retry;
mod retry_tasks;
mod running;
mod runtime;
mod slots;
mod sync;
mod tasks;
mod timed_tasks;
mod timeout;
mod yield_now;

pub use completed::{AsCompleted, as_completed, as_completed_stream};
pub use error::{GroupEnded, GroupError, NoFutures, TaskError};
pub use first::first_completed;
pub use group::{Spawner, TaskGroup};
pub use inputs::StreamInputs;
pub use local::map_local;
pub use map::{gather, map, map_stream};
pub use panic::TaskPanic;
pub use retry::{Backoff, GaveUp, Retry, RetryError, RetryIf};
pub use retry_tasks::RetryTasks;
pub use tasks::Tasks;
pub use timed_tasks::TimedTasks;
pub use timeout::{TimedOut, deadline, timeout};

/// The parts that `tests/model_check.rs` checks.
#[cfg(model_check)]
#[doc(hidden)]
pub mod model {
    pub use crate::inbox::{Ended, Inbox};
}
