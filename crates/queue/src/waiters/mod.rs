//! Waiting threads and tasks: their list, one wait, and blocking a thread.

pub(crate) mod list;
pub(crate) mod park;
pub(crate) mod wait;
