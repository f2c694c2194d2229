//! The waiter to notify of a change: a parked thread or a task's waker.

use std::task::Waker;

use crate::panic::catch;
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
    ///
    /// A panic of that code must not end the worker that has a result for it: a shutdown would wait
    /// for that worker.
    pub(crate) fn wake(self) {
        match self {
            Self::Thread(thread) => thread.unpark(),
            Self::Task(waker) => drop(catch(|| waker.wake())),
        }
    }
}
