//! Helpers of the tests.
#![allow(dead_code, unused_imports, reason = "each test program uses a part")]

pub(crate) mod proc;
mod random;
mod waiting;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::{panic, thread};

pub(crate) use random::Random;
pub(crate) use waiting::{eventually, soak_time, threads_named, within, within_deadline};

pub(crate) fn non_zero(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("not zero")
}

/// A waker that counts its wake-ups.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs `work` and catches its panic.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> thread::Result<T> {
    panic::catch_unwind(panic::AssertUnwindSafe(work))
}
