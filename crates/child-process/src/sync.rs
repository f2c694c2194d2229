//! The mutex behind a future's result: std's, or loom's under the model checker.

#[cfg(model_check)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(model_check))]
pub(crate) use std::sync::{Mutex, MutexGuard};
