#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

/// The first lines of an example in the documentation: the imports and the runtime.
///
/// Some files with examples are linked by several crates, so they name neither the crate nor a
/// runtime.
macro_rules! example {
    ($item:ident) => {
        concat!(
            "use effective_coroutines::",
            stringify!($item),
            ";\n\n# #[tokio::main(flavor = \"current_thread\")]\n",
            "# async fn main() -> Result<(), Box<dyn std::error::Error>> {"
        )
    };
    ($($item:ident),+) => {
        concat!(
            "use effective_coroutines::{",
            stringify!($($item),+),
            "};\n\n# #[tokio::main(flavor = \"current_thread\")]\n",
            "# async fn main() -> Result<(), Box<dyn std::error::Error>> {"
        )
    };
}

mod catch_unwind;
mod completed;
mod error;
mod first;
mod group;
mod inputs;
mod map;
mod map_with_settings;
mod panic;
mod poll_budget;
mod retry;
mod retry_tasks;
mod running;
mod runtime;
mod set;
mod slots;
mod sync;
mod tasks;
mod timed_tasks;
mod timeout;
mod yield_now;

pub use completed::{AsCompleted, as_completed, as_completed_stream};
pub use error::{GroupEnded, GroupError, NoFutures, TaskError};
pub use first::first_completed;
pub use group::{SendSpawner, SendTaskGroup, Spawner, TaskGroup};
pub use inputs::StreamInputs;
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
    pub use crate::set::block::{Block, Inbox, TASKS};
    pub use crate::set::waker::with_waker;
}
