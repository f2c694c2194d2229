//! Who is told of a change: a thread that is parked, or a coroutine.

use std::task::Waker;

use crate::panic::drop_contained;
use crate::sync::{Thread, thread};

pub(crate) enum Listener {
    Thread(Thread),
    Coroutine(Waker),
}

impl Listener {
    pub(crate) fn this_thread() -> Self {
        Self::Thread(thread::current())
    }

    /// Wakers are code of the user: one that panics harms nobody here. Never to be called under a lock.
    pub(crate) fn wake(self) {
        match self {
            Self::Thread(thread) => thread.unpark(),
            Self::Coroutine(waker) => wake(waker),
        }
    }
}

/// Wakes a waker and keeps its panic here.
pub(crate) fn wake(waker: Waker) {
    drop_contained(crate::panic::contain(|| waker.wake()));
}
