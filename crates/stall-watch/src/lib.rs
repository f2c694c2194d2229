#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "backtrace"), forbid(unsafe_code))]
#![cfg_attr(feature = "backtrace", deny(unsafe_code))]

#[cfg(all(feature = "backtrace", target_os = "linux"))]
mod backtrace;
mod builder;
mod contain;
mod error;
#[cfg(feature = "tokio")]
mod runtime;
mod seat;
mod shared;
mod site;
mod slot;
mod stall;
mod stats;
mod sync;
mod thread;
mod times;
mod watch;
mod watchdog;
mod wrap;

#[cfg(all(feature = "backtrace", target_os = "linux"))]
pub use backtrace::{Backtrace, BacktraceError, Frame};
pub use builder::Builder;
pub use error::{BuildError, StillRunning};
#[cfg(feature = "tokio")]
pub use runtime::{RuntimeWatch, WorkerNotes};
pub use seat::excused;
pub use site::Task;
pub use stall::{Phase, Stall};
pub use stats::Stats;
pub use thread::Thread;
pub use times::PollTimes;
pub use watch::StallWatch;
pub use wrap::{Spot, Watched};
