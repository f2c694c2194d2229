//! The state that a call shares with its coroutine.
#![allow(missing_docs, unreachable_pub, reason = "public for the model checks")]

use std::task::Waker;

use super::error::CallError;
use crate::oneshot::OneShot;
use crate::panic::drop_quietly;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, lock};
use crate::waiter::Waiter;

pub struct CallState<R> {
    pub result: OneShot<Result<R, CallError>>,
    /// Whether the coroutine was polled at all.
    started: AtomicBool,
    cancelled: AtomicBool,
    /// The coroutine's waker, woken when the call is cancelled.
    coroutine: Mutex<Option<Waker>>,
}

impl<R> CallState<R> {
    pub fn new() -> Self {
        Self {
            result: OneShot::new(),
            started: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            coroutine: Mutex::new(None),
        }
    }

    pub fn has_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Asks the coroutine to end. The runtime drops it at its next poll and then sets the result.
    pub fn cancel(&self) {
        // Under the lock that `is_cancelled` takes as well: either the coroutine sees the flag, or
        // this sees its waker.
        let waker = {
            let mut coroutine = lock(&self.coroutine);
            self.cancelled.store(true, Ordering::Relaxed);
            coroutine.take()
        };
        if let Some(waker) = waker {
            Waiter::Task(waker).wake();
        }
    }

    /// Called by the coroutine before each poll: returns whether it is cancelled. If not, registers
    /// `waker` to be woken when it is.
    pub fn is_cancelled(&self, waker: &Waker) -> bool {
        let coroutine = lock(&self.coroutine);
        self.started.store(true, Ordering::Relaxed);
        if self.cancelled.load(Ordering::Relaxed) {
            return true;
        }
        // `will_wake` compares addresses and runs no user code.
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
            drop(waker);
            return true;
        }
        let old = coroutine.replace(waker);
        drop(coroutine);
        drop(old);
        false
    }

    /// Drops the waker of a coroutine that has ended, so that a call that is kept does not keep the
    /// task.
    pub fn forget_coroutine(&self) {
        let waker = lock(&self.coroutine).take();
        // A panic here would keep the result from being set.
        drop_quietly(waker);
    }
}
