use std::panic::{self, AssertUnwindSafe};

use crate::TaskPanic;

/// Run `work` and turn its panic into an error.
///
/// Unwind safety is asserted for the caller: what a panicking function leaves half changed behind a shared reference is
/// visible afterwards, exactly as it is when a thread panics.
pub(crate) fn contain<R>(work: impl FnOnce() -> R) -> Result<R, TaskPanic> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(TaskPanic::new)
}
