#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "child-process needs Linux 5.4 or later: it watches and signals processes through pidfds and finds them in /proc. \
     Elsewhere use std::process, or the crates `duct` and `process-wrap`."
);

mod child;
mod command;
mod crew;
mod descriptor;
mod drive;
mod error;
mod finished;
mod job;
mod lines;
mod many;
mod pipeline;
mod reactor;
mod running;
mod signal;
mod stages;
mod start;
mod starter;
mod tree;

pub use child::Child;
pub use command::{Command, Excess, Input, Output};
pub use error::{Error, TimeUp};
pub use finished::Finished;
pub use lines::{Line, Lines, Stream};
pub use many::{AsCompleted, Completed, Many};
pub use pipeline::{Piped, Pipeline};
pub use running::Running;
pub use signal::Signal;
pub use tree::adopt_orphans;
