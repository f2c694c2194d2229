//! The protocols between the threads of a run.

#![allow(
    unreachable_pub,
    reason = "`tests/model_check.rs` drives these types directly"
)]

pub mod buffer;
pub mod reorder;
pub mod stop_at;
pub mod wait;
pub mod window;

#[cfg(model_check)]
pub use crate::sync::loom_thread::park;
