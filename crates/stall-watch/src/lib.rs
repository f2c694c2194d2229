#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "backtrace"), forbid(unsafe_code))]
#![cfg_attr(feature = "backtrace", deny(unsafe_code))]

#[cfg(all(feature = "backtrace", target_os = "linux"))]
mod backtrace;
mod builder;
mod error;
mod local;
#[cfg(any(model_check, all(feature = "backtrace", target_os = "linux")))]
mod mailbox;
mod panic;
#[cfg(feature = "tokio")]
mod runtime;
mod shared;
mod site;
mod slot;
mod stall;
mod sync;
mod thread;
mod thread_record;
mod times;
mod watch;
mod watchdog;
mod wrap;

#[cfg(all(feature = "backtrace", target_os = "linux"))]
pub use backtrace::error::BacktraceError;
#[cfg(all(feature = "backtrace", target_os = "linux"))]
pub use backtrace::{Backtrace, Frame};
pub use builder::Builder;
pub use error::{BuildError, StillRunning};
pub use local::excused;
#[cfg(feature = "tokio")]
pub use runtime::hooks::WorkerHooks;
#[cfg(feature = "tokio")]
pub use runtime::watch_runtime::RuntimeWatch;
pub use site::Task;
pub use stall::{Phase, Stall};
pub use thread::Thread;
pub use times::PollTimes;
pub use watch::{StallWatch, Stats};
pub use wrap::{Spot, Watched};

/// The protocols that `tests/model_check.rs` checks.
#[cfg(model_check)]
#[doc(hidden)]
pub mod model {
    pub use crate::mailbox::Mailbox;
    pub use crate::slot::{CurrentPoll, Slot};
}
