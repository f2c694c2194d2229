//! What `src/sync.rs` offers, made of loom.

pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, atomic};
pub(crate) use loom::thread;

use std::time::{Duration, Instant};

/// Time does not pass here: only models without deadlines come by.
pub(crate) fn park_until(deadline: Option<Instant>) {
    assert!(deadline.is_none());
    thread::park();
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    Nothing,
    Yield,
}

/// Nobody spins: what a longer look would have seen, another order of the steps shows.
pub(crate) fn spin_until(_: Duration, _: Between, condition: impl Fn() -> bool) -> bool {
    condition()
}

pub(crate) struct UnsafeCell<T>(loom::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }

    pub(crate) fn with<U>(&self, f: impl FnOnce(*const T) -> U) -> U {
        self.0.with(f)
    }

    pub(crate) fn with_mut<U>(&self, f: impl FnOnce(*mut T) -> U) -> U {
        self.0.with_mut(f)
    }
}
