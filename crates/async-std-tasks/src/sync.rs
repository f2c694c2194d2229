//! What the inbox is locked with. `tests/model_check.rs` puts loom's lock here, under the same code.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
