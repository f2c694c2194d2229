//! The same three jobs for each guard: all outputs in order, their sum, and a histogram of their
//! keys.
//!
//! In each, a worker claims the next task, runs it outside of any lock, and adds its output to the
//! shared state.

pub(crate) mod atomic;
pub(crate) mod lock;
pub(crate) mod merged;
mod outputs;
pub(crate) mod sharded;
