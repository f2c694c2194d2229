//! A thread, with a token that shows whether it is still alive.

use std::sync::{Arc, Weak};

use crate::thread::Thread;

/// Kept by the thread itself, in a thread-local.
#[derive(Clone, Debug)]
pub(crate) struct ThreadToken {
    thread: Arc<Thread>,
    token: Arc<()>,
}

impl ThreadToken {
    pub(crate) fn new(thread: &Arc<Thread>) -> Self {
        Self {
            thread: Arc::clone(thread),
            token: Arc::new(()),
        }
    }

    pub(crate) fn of_current_thread() -> Self {
        Self::new(&Arc::new(Thread::current()))
    }

    pub(crate) fn thread_ref(&self) -> ThreadRef {
        ThreadRef {
            thread: Arc::clone(&self.thread),
            token: Arc::downgrade(&self.token),
        }
    }
}

/// A thread that may have exited. Reports keep `thread`, so its count would not show that.
#[derive(Clone, Debug)]
pub(crate) struct ThreadRef {
    pub(crate) thread: Arc<Thread>,
    token: Weak<()>,
}

impl ThreadRef {
    pub(crate) fn is_alive(&self) -> bool {
        self.token.strong_count() > 0
    }
}
