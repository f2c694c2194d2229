//! Logs that grow while they are read: the origin server writes them, tasks follow them, and their
//! lines can be merged by time.
//!
//! A log is a file of lines of [`LINE`] bytes: a time stamp of 14 decimal digits, a space, 16 hex
//! digits, and the end of the line. The stamps increase. They follow from the seed of the log, not
//! from the clock, so that a log has the same content whenever and however fast it is written.

mod grow;
pub(crate) mod merge;
mod place;
pub(crate) mod request;
mod tail;

pub use grow::Growth;
pub use merge::{Lines, Merge};
pub(super) use request::ANSWER;
pub use request::{LINE, Log, answer};
pub use tail::{LOOK, Tail};
