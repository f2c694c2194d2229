//! A panic of the user's code stays where it happened.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of the user; its panic ends here. Says whether it came to its end.
pub(crate) fn contain(code: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(()) => true,
        Err(payload) => {
            drop_contained(payload);
            false
        }
    }
}

/// Drops a value of the user and keeps its panic, should it panic, from whoever happens to drop it.
///
/// A panic out of such a drop carries a payload too, which may panic in turn. That one is leaked: it ends the chain.
pub(crate) fn drop_contained<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value)))
        && let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        mem::forget(second);
    }
}
