//! What `buffer.rs`, `cut.rs` and `window.rs` are made of. The model check compiles those three files with loom's
//! counterparts in this place.

pub(crate) use std::sync::atomic::{AtomicUsize, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread::{Thread, current, yield_now};

use std::sync::PoisonError;

/// How often a thread that finds nothing to do lets others run before it parks. A run of tiny items then keeps its
/// threads awake, and waking one costs more than many of these.
#[derive(Default)]
pub(crate) struct Patience(usize);

impl Patience {
    const MOST: usize = 4;

    pub(crate) fn is_left(&mut self) -> bool {
        self.0 += 1;
        self.0 <= Self::MOST
    }
}

/// No code of the user runs under a lock of ours, so that a poisoned one holds nothing half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
