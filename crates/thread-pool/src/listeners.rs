//! The listeners of one job: a parked thread, wakers and callbacks.
//!
//! Most jobs have none, so a task holds them behind a pointer that stays null until the first one
//! comes.

use std::task::Waker;

use crate::callback::Callback;
use crate::panic::catch;
use crate::sync::thread::Thread;

/// The owner of a stored waker. Each has a slot of its own, so that a blocking wait for several
/// handles does not replace the waker of a runtime that polled one of them before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watcher {
    /// The handle, polled as a future.
    Future,
    /// A wait for several handles.
    Group,
}

pub(crate) struct Listeners<R> {
    /// A thread that blocks on the handle.
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
    /// Puts a waker into its slot, or empties the slot, and returns the previous content. The
    /// caller must drop that outside its locks, since dropping a waker runs user code.
    #[must_use = "drop it outside the lock"]
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

    /// Wakes all listeners. Must not be called under a lock, since wakers run user code. Never
    /// unwinds.
    pub(crate) fn wake(self) {
        if let Some(thread) = self.thread {
            thread.unpark();
        }
        self.wakers.into_iter().flatten().for_each(wake);
    }
}

/// Wakes, and discards a panic of the waker, which would otherwise end the worker. The panic hook
/// has printed it.
pub(crate) fn wake(waker: Waker) {
    drop(catch(|| waker.wake()));
}
