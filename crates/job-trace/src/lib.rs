#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod clocks;
mod future;
mod lane;
mod lines;
mod record;
mod recorder;
mod shared;
mod sink;
mod span;
mod thread;
mod waker;

pub use recorder::Recorder;
pub use shared::Summary;
