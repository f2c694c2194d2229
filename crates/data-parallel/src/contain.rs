use std::panic::{self, AssertUnwindSafe};

use crate::TaskPanic;

/// Run `work` and turn its panic into an error.
///
/// Unwind safety is asserted for the caller: what a panicking function leaves half changed behind a shared reference is
/// visible afterwards, exactly as it is when a thread panics.
#[inline]
pub(crate) fn contain<R>(work: impl FnOnce() -> R) -> Result<R, TaskPanic> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(value) => Ok(value),
        Err(payload) => Err(TaskPanic::new(payload)),
    }
}

/// Drop a value of the user and keep its panic, should it panic, from whoever happens to drop it.
pub(crate) fn drop_contained<T>(value: T) {
    drop(contain(|| drop(value)));
}

/// A value of the user in hands that may drop it, rayon's for one: its panic, should it panic, stays here.
pub(crate) struct Discardable<T>(Option<T>);

impl<T> Discardable<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(crate) fn get(&self) -> &T {
        self.0
            .as_ref()
            .expect("only `into_inner` takes the value, and it consumes this")
    }

    pub(crate) fn into_inner(mut self) -> T {
        self.0
            .take()
            .expect("only this function takes the value, and it owns it")
    }
}

impl<T> Drop for Discardable<T> {
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            drop_contained(value);
        }
    }
}
