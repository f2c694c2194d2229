//! The thread that runs callbacks.
//!
//! A callback is user code: it may wait for other jobs, block, or drop the pool. It runs neither on
//! the supervisor, which would miss deaths and time limits meanwhile, nor on the thread that
//! collects a result, which may hold a lock that the callback needs.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::map_results::RawResult;
use crate::panic::catch;
use crate::sync::lock;

pub(crate) type Callback = Box<dyn FnOnce(RawResult) + Send>;

/// The queue of callbacks whose results have arrived, and the thread that runs them.
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
    calls: VecDeque<(Callback, RawResult)>,
    /// No more callbacks will come.
    closed: bool,
}

impl Callbacks {
    /// Queues the callback for the thread, which starts with the first one. Without the thread (the
    /// pool has ended, or the system refuses a thread) runs the callback here.
    pub(crate) fn call(&self, callback: Callback, outcome: RawResult) {
        if self.ensure().is_ok() {
            let mut due = lock(&self.inner.due);
            if !due.closed {
                due.calls.push_back((callback, outcome));
                drop(due);
                self.inner.changed.notify_one();
                return;
            }
        }
        drop(catch(|| callback(outcome)));
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

    /// Ends the thread once it has run the queued callbacks.
    pub(crate) fn close(&self) {
        lock(&self.inner.due).closed = true;
        self.inner.changed.notify_all();
    }

    /// Waits for the thread to end, unless the caller is that thread: a callback that drops its own
    /// pool.
    pub(crate) fn join(&self) {
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
            if let Some((callback, outcome)) = due.calls.pop_front() {
                drop(due);
                drop(catch(|| callback(outcome)));
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
