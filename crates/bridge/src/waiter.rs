//! The waiter to notify of a change: a parked thread or a task's waker.

use std::task::Waker;

use crate::sync::{Thread, thread};

pub(crate) enum Waiter {
    Thread(Thread),
    Task(Waker),
}

impl Waiter {
    pub(crate) fn current_thread() -> Self {
        Self::Thread(thread::current())
    }

    /// Wakes it. Must not be called under a lock, since a waker is user code.
    pub(crate) fn wake(self) {
        match self {
            Self::Thread(thread) => thread.unpark(),
            Self::Task(waker) => waker.wake(),
        }
    }
}
