//! The thread that runs callbacks.
//!
//! A callback is user code: it may wait for other jobs, block, or drop the cluster. It runs neither
//! on a thread that collects results nor on one that runs jobs.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::panic::catch;
use crate::sync::lock;

pub(crate) type Call = Box<dyn FnOnce() + Send>;

/// The queue of due callbacks, and the thread that runs them.
#[derive(Default)]
pub(crate) struct Callbacks {
    inner: Arc<Inner>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Inner {
    due: Mutex<Due>,
    changed: Condvar,
}

#[derive(Default)]
struct Due {
    calls: VecDeque<Call>,
    closed: bool,
}

impl Callbacks {
    /// Queues the callback for the thread, which starts with the first one. Without the thread (the
    /// cluster has ended, or the system refuses a thread) runs the callback here.
    pub(crate) fn call(&self, call: Call) {
        if self.ensure().is_ok() {
            let mut due = lock(&self.inner.due);
            if !due.closed {
                due.calls.push_back(call);
                drop(due);
                self.inner.changed.notify_one();
                return;
            }
        }
        drop(catch(call));
    }

    fn ensure(&self) -> io::Result<()> {
        let mut thread = lock(&self.thread);
        if thread.is_none() && !lock(&self.inner.due).closed {
            let inner = Arc::clone(&self.inner);
            let builder = thread::Builder::new().name("cluster-calls".to_owned());
            *thread = Some(builder.spawn(move || inner.run())?);
        }
        Ok(())
    }

    /// Waits until the queued callbacks have run, and ends the thread, unless the caller is that
    /// thread: a callback that drops its own cluster.
    pub(crate) fn finish(&self) {
        lock(&self.inner.due).closed = true;
        self.inner.changed.notify_all();
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            // It catches the panics of callbacks and has none of its own.
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn run(&self) {
        let mut due = lock(&self.due);
        loop {
            if let Some(call) = due.calls.pop_front() {
                drop(due);
                drop(catch(call));
                due = lock(&self.due);
            } else if due.closed {
                return;
            } else {
                due = self
                    .changed
                    .wait(due)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
