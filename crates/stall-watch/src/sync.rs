//! The primitives that the protocols of this crate rest on. `tests/model_check.rs` includes the protocols' files with a
//! module of this name that has loom's instead.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
