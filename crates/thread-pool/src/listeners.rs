//! Who wants to hear of the end of one job.
//!
//! Most jobs have no listener, so a task holds them behind one pointer that is empty until the first one comes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use crate::callback::Callback;
use crate::panic::drop_contained;
use crate::sync::thread::Thread;

/// Who wakes by a waker. Each has a slot of its own, so that a blocking wait for several handles does not take the place
/// of the runtime that polled one of them before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watcher {
    /// The handle, polled as a future.
    Future,
    /// A wait for several handles.
    Group,
}

pub(crate) struct Listeners<R> {
    /// The thread that blocks on the handle.
    pub(crate) thread: Option<Thread>,
    wakers: [Option<Waker>; 2],
    callbacks: Vec<Callback<R>>,
}

impl<R> Default for Listeners<R> {
    fn default() -> Self {
        Self {
            thread: None,
            wakers: [None, None],
            callbacks: Vec::new(),
        }
    }
}

impl<R> Listeners<R> {
    /// Puts a waker into its slot, or empties the slot, and returns what was there. The caller drops that outside its
    /// locks, since a waker's drop is code of the user.
    #[must_use = "to be dropped outside the lock"]
    pub(crate) fn replace(&mut self, watcher: Watcher, waker: Option<Waker>) -> Option<Waker> {
        std::mem::replace(&mut self.wakers[watcher as usize], waker)
    }

    pub(crate) fn will_wake(&self, watcher: Watcher, waker: &Waker) -> bool {
        self.wakers[watcher as usize]
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
    }

    pub(crate) fn add(&mut self, callback: Callback<R>) {
        self.callbacks.push(callback);
    }

    pub(crate) fn take_callbacks(&mut self) -> Vec<Callback<R>> {
        std::mem::take(&mut self.callbacks)
    }

    /// Wakes all who wait. Not under a lock: wakers are code of the user. Never unwinds.
    pub(crate) fn wake(self) {
        if let Some(thread) = self.thread {
            thread.unpark();
        }
        self.wakers.into_iter().flatten().for_each(wake);
    }
}

/// Wakes, whatever the waker does. Its panic has been printed by the panic hook, and whoever finished the job goes on.
pub(crate) fn wake(waker: Waker) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
        drop_contained(payload);
    }
}
