//! What a slot is locked with. The model check puts loom's in its place.

pub(super) use std::sync::{Mutex, MutexGuard};
