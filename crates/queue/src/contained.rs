//! How panics of the user's code are kept from whoever happens to run it.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of the user whose panic is nobody's business here: a waker, or the `Drop` of a value that is discarded.
///
/// The payload of the panic may panic in turn when it is dropped. What that leaves is leaked: it ends the chain.
pub(crate) fn contained(code: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(code))
        && let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        mem::forget(second);
    }
}
