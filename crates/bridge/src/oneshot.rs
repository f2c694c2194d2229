//! A one-shot slot: one value, set by one side and taken by a thread or a coroutine on the other.
//!
//! ```text
//!              set                     poll, wait_until
//!   EMPTY ──────────────▶ SET ───────────────────────────▶ TAKEN
//!     │                     │
//!     └──── abandon ────────┴────▶ ABANDONED: the later of `set` and `abandon` drops the value
//! ```
//!
//! Every step is taken under one lock, which is never held while user code runs: values and wakers
//! are cloned, woken and dropped outside. No wake-up is lost: a receiver that finds no value
//! registers its waiter in the same step, and `set` takes that waiter in the same step as it stores
//! the value.
#![allow(missing_docs, unreachable_pub, reason = "public for the model checks")]

use std::task::Waker;
use std::time::{Duration, Instant};

use crate::panic::drop_quietly;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, Pause, lock, park_until, spin_until};
use crate::waiter::Waiter;

pub struct OneShot<T> {
    /// Set under the lock, together with the value; may be read without it.
    is_set: AtomicBool,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    value: Option<T>,
    waiter: Option<Waiter>,
    abandoned: bool,
}

impl<T> OneShot<T> {
    pub fn new() -> Self {
        Self {
            is_set: AtomicBool::new(false),
            inner: Mutex::new(Inner {
                value: None,
                waiter: None,
                abandoned: false,
            }),
        }
    }

    /// Sets the value and wakes the waiter. Must be called once.
    pub fn set(&self, value: T) {
        let (waiter, abandoned) = {
            let mut inner = lock(&self.inner);
            let abandoned = if inner.abandoned {
                Some(value)
            } else {
                inner.value = Some(value);
                None
            };
            self.is_set.store(true, Ordering::Release);
            (inner.waiter.take(), abandoned)
        };
        drop_quietly(abandoned);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Whether the value was set. It may have been taken since.
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    pub fn take(&self) -> Option<T> {
        if !self.is_set() {
            return None;
        }
        lock(&self.inner).value.take()
    }

    /// Takes the value, or registers `waker` to be woken when it is set.
    pub fn poll(&self, waker: &Waker) -> Option<T> {
        if let Some(value) = self.take() {
            return Some(value);
        }
        let waiter = Waiter::Task(waker.clone());
        let mut inner = lock(&self.inner);
        let value = inner.value.take();
        let old = if value.is_none() {
            inner.waiter.replace(waiter)
        } else {
            Some(waiter)
        };
        drop(inner);
        // A panic here would lose the value.
        drop_quietly(old);
        value
    }

    /// Takes the value, spinning for at most `limit`: for one that is about to be set.
    pub fn spin_take(&self, limit: Duration) -> Option<T> {
        spin_until(limit, Pause::None, || self.is_set());
        self.take()
    }

    /// Takes the value, blocking this thread until it is set or the deadline has passed.
    pub fn wait_until(&self, deadline: Option<Instant>) -> Option<T> {
        self.wait(deadline, deadline)
    }

    /// Like `wait_until`, for a thread that the timer unparks at the deadline.
    pub fn wait_until_unparked(&self, deadline: Option<Instant>) -> Option<T> {
        self.wait(deadline, None)
    }

    fn wait(&self, deadline: Option<Instant>, park_limit: Option<Instant>) -> Option<T> {
        let mut waiter = Some(Waiter::current_thread());
        loop {
            let timed_out = deadline.is_some_and(|deadline| deadline <= Instant::now());
            let mut inner = lock(&self.inner);
            let value = inner.value.take();
            let old = if value.is_some() || timed_out {
                inner.waiter.take()
            } else if waiter.is_some() {
                // In the first round this replaces the waiter of an earlier poll.
                std::mem::replace(&mut inner.waiter, waiter.take())
            } else {
                None
            };
            drop(inner);
            let has_dropped = old.is_some();
            drop_quietly(old);
            if value.is_some() || timed_out {
                return value;
            }
            // Dropping a waker runs user code, which may park and so consume the wake-up that is
            // meant for this wait.
            if !has_dropped {
                park_until(park_limit);
            }
        }
    }

    /// Gives up the value: it is dropped here, or by `set`.
    pub fn abandon(&self) {
        let mut inner = lock(&self.inner);
        inner.abandoned = true;
        let (value, waiter) = (inner.value.take(), inner.waiter.take());
        drop(inner);
        drop_quietly(value);
        drop(waiter);
    }
}
