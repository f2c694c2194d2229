//! Waiting for several handles at once.
//!
//! Each handle gets a waker that puts its index into the group's inbox, so a wait looks only at
//! jobs that have ended, not at all of them. The iterator in `as_completed.rs` and the single waits
//! in `wait.rs` share this inbox.

mod as_completed;
mod inbox;
mod members;
mod wait;

pub use as_completed::{AsCompleted, Completed, as_completed};
pub use wait::{WaitFor, Waited, wait, wait_timeout};
