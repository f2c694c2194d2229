#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "child-process needs Linux 5.4 or later: it watches and signals processes through pidfds and \
     finds them in /proc. Elsewhere use std::process, or the crates `duct` and `process-wrap`."
);

mod batch;
mod check;
mod child;
mod command;
mod descriptor;
mod error;
mod event_loop;
mod finished;
mod lines;
mod many;
mod monitor;
mod pipeline;
mod reactor;
mod running;
mod signal;
mod spawner;
mod stages;
mod start;
mod tree;

pub use batch::Completed;
pub use child::Child;
pub use command::{Command, Excess, Input, Output};
pub use error::{Error, TimedOut};
pub use finished::Finished;
pub use lines::{Line, Lines, Stream};
pub use many::{AsCompleted, Many};
pub use pipeline::{Piped, Pipeline};
pub use running::Running;
pub use signal::Signal;
pub use tree::adoption::adopt_orphans;

/// The inbox of the watcher thread, for `tests/model_check.rs`.
#[cfg(model_check)]
#[doc(hidden)]
pub mod model_check {
    pub use crate::reactor::inbox::{Inbox, Pushed};
}
