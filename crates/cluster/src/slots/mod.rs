//! The threads that run jobs.

pub(crate) mod call;
pub(crate) mod pool;
pub(crate) mod progress;
pub(crate) mod task;
