#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]

mod backlog;
mod builder;
mod callback;
mod deadlock;
mod error;
mod group;
mod growth;
mod handle;
mod initializer;
mod ledger;
mod listeners;
mod map;
mod map_state;
#[cfg(model_check)]
#[doc(hidden)]
pub mod model_check;
mod panic;
mod pool;
mod reports;
mod scope;
mod search;
mod shared;
mod sleep;
mod stream;
mod stream_state;
mod submit;
mod sync;
mod task;
mod thread_exit;
mod worker;
mod workers;

pub use builder::{BuildError, Builder};
pub use error::{JobError, Refusal, StillRunning, SubmitError, TimedOut};
pub use group::{AsCompleted, Completed, WaitFor, Waited, as_completed, wait, wait_timeout};
pub use handle::Handle;
pub use initializer::InitializerError;
pub use map::{MapHandle, Mapping};
pub use panic::TaskPanic;
pub use pool::ThreadPool;
pub use scope::{Scope, ScopedHandle};
pub use stream::MapStream;
