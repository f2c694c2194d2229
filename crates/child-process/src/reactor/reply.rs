//! The way of a result from the watcher thread to a future.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_channel::oneshot::{Receiver, Sender, channel};

/// Sends the result of a task to its future, if it has one.
#[derive(Debug)]
pub(crate) struct Reply<T>(Option<Sender<T>>);

impl<T> Reply<T> {
    /// A reply, and the receiver for the future.
    pub(crate) fn new() -> (Self, Receiver<T>) {
        let (sender, receiver) = channel();
        (Self(Some(sender)), receiver)
    }

    /// The reply of a task whose result is not needed.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Whether the future was dropped.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.as_ref().is_some_and(Sender::is_canceled)
    }

    /// Sends the result and wakes the future.
    pub(crate) fn send(&mut self, result: T) {
        let Some(sender) = self.0.take() else { return };
        // A waker that panics must not take down the thread that serves all other children. The
        // payload is leaked, because its destructor may panic too.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(sender.send(result)))) {
            mem::forget(payload);
        }
    }
}
