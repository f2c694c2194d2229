//! What a call and its coroutine have in common.

use std::task::Waker;

use crate::CallError;
use crate::listener;
use crate::outcome::Outcome;
use crate::panic::drop_contained;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, lock};

pub(crate) struct Core<R> {
    pub(crate) outcome: Outcome<Result<R, CallError>>,
    /// Whether the coroutine was polled at all.
    started: AtomicBool,
    cancelled: AtomicBool,
    /// The coroutine's waker, to tell it that it is cancelled.
    coroutine: Mutex<Option<Waker>>,
}

impl<R> Core<R> {
    pub(crate) fn new() -> Self {
        Self {
            outcome: Outcome::new(),
            started: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            coroutine: Mutex::new(None),
        }
    }

    pub(crate) fn has_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Asks the coroutine to end. It is dropped when its runtime comes to it, which is also when the outcome is there.
    pub(crate) fn cancel(&self) {
        // Under the lock, as the coroutine looks: one of the two sees the other.
        let waker = {
            let mut coroutine = lock(&self.coroutine);
            self.cancelled.store(true, Ordering::Relaxed);
            coroutine.take()
        };
        if let Some(waker) = waker {
            listener::wake(waker);
        }
    }

    /// For the coroutine, before each poll: whether it is cancelled; if not, it will be woken when it is.
    pub(crate) fn is_cancelled(&self, waker: &Waker) -> bool {
        let coroutine = lock(&self.coroutine);
        self.started.store(true, Ordering::Relaxed);
        if self.cancelled.load(Ordering::Relaxed) {
            return true;
        }
        // Compares addresses only; no code of the user.
        if coroutine
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            return false;
        }
        drop(coroutine);
        let waker = waker.clone();
        let mut coroutine = lock(&self.coroutine);
        if self.cancelled.load(Ordering::Relaxed) {
            drop(coroutine);
            drop_contained(waker);
            return true;
        }
        let old = coroutine.replace(waker);
        drop(coroutine);
        drop_contained(old);
        false
    }

    /// The coroutine has ended: its waker, and by that the task, is not kept by a call that is kept.
    pub(crate) fn forget_coroutine(&self) {
        let waker = lock(&self.coroutine).take();
        drop_contained(waker);
    }
}
