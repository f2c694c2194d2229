//! The thread that runs callbacks.
//!
//! They are the user's: they may wait for other jobs, block, or drop the pool. So they run neither on the supervisor, who
//! would hear of no death and no time limit meanwhile, nor on whichever thread of the program comes across a result, which
//! may hold a lock that the callback wants.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::jobs::{Callback, contained};
use super::unit::Outcome;
use crate::lock;

/// Callbacks whose results are there, and who runs them.
#[derive(Default)]
pub(crate) struct Callbacks {
    inner: Arc<Inner>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Inner {
    due: Mutex<Due>,
    some: Condvar,
}

#[derive(Default)]
struct Due {
    calls: VecDeque<(Callback, Outcome)>,
    /// No more will come.
    closed: bool,
}

impl Callbacks {
    /// Has the callback called by the thread, which is started for the first one. Where there is none, it is called here:
    /// when the pool is over, and when the system refuses a thread.
    pub(crate) fn call(&self, callback: Callback, outcome: Outcome) {
        if self.ensure().is_ok() {
            let mut due = lock(&self.inner.due);
            if !due.closed {
                due.calls.push_back((callback, outcome));
                drop(due);
                self.inner.some.notify_one();
                return;
            }
        }
        contained(|| callback(outcome));
    }

    fn ensure(&self) -> io::Result<()> {
        let mut thread = lock(&self.thread);
        if thread.is_none() && !lock(&self.inner.due).closed {
            let inner = Arc::clone(&self.inner);
            let builder = thread::Builder::new().name("pool-callbacks".to_owned());
            *thread = Some(builder.spawn(move || inner.run())?);
        }
        Ok(())
    }

    /// Lets the thread end when it has run what is due.
    pub(crate) fn close(&self) {
        lock(&self.inner.due).closed = true;
        self.inner.some.notify_all();
    }

    /// Waits for that, but for a callback that ends its own pool.
    pub(crate) fn join(&self) {
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            // It contains the panics of callbacks, and has none of its own.
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn run(&self) {
        let mut due = lock(&self.due);
        loop {
            if let Some((callback, outcome)) = due.calls.pop_front() {
                drop(due);
                contained(|| callback(outcome));
                due = lock(&self.due);
            } else if due.closed {
                return;
            } else {
                due = self.some.wait(due).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
