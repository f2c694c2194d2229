//! One value on its way from the side that makes it to the one who waits for it, in a coroutine or on a thread.
//!
//! ```text
//!              put                     poll, wait_until
//!   EMPTY ──────────────▶ THERE ─────────────────────────▶ TAKEN
//!     │                     │
//!     └──── abandon ────────┴────▶ UNWANTED: the value is dropped by whoever comes second
//! ```
//!
//! All steps are taken under one lock, which is never held while code of the user runs: values and wakers are cloned,
//! woken and dropped outside. So a wake-up cannot be lost: who finds no value leaves its listener in the same step, and
//! who brings the value takes the listener in the same step.

use std::task::Waker;
use std::time::{Duration, Instant};

use crate::listener::Listener;
use crate::panic::drop_contained;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Between, Mutex, lock, park_until, spin_until};

pub(crate) struct Outcome<T> {
    /// Set under the lock with the value; for those who only look.
    there: AtomicBool,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    value: Option<T>,
    listener: Option<Listener>,
    unwanted: bool,
}

impl<T> Outcome<T> {
    pub(crate) fn new() -> Self {
        Self {
            there: AtomicBool::new(false),
            inner: Mutex::new(Inner {
                value: None,
                listener: None,
                unwanted: false,
            }),
        }
    }

    /// Brings the value, and tells who waits for it. To be called once.
    pub(crate) fn put(&self, value: T) {
        let (listener, unwanted) = {
            let mut inner = lock(&self.inner);
            let unwanted = if inner.unwanted {
                Some(value)
            } else {
                inner.value = Some(value);
                None
            };
            self.there.store(true, Ordering::Release);
            (inner.listener.take(), unwanted)
        };
        drop_contained(unwanted);
        if let Some(listener) = listener {
            listener.wake();
        }
    }

    /// Whether the value has come. It may have been taken since.
    pub(crate) fn is_there(&self) -> bool {
        self.there.load(Ordering::Acquire)
    }

    pub(crate) fn take(&self) -> Option<T> {
        if !self.is_there() {
            return None;
        }
        lock(&self.inner).value.take()
    }

    /// Takes the value, or leaves `waker` to be woken when it comes.
    pub(crate) fn poll(&self, waker: &Waker) -> Option<T> {
        if let Some(value) = self.take() {
            return Some(value);
        }
        let listener = Listener::Coroutine(waker.clone());
        let mut inner = lock(&self.inner);
        let value = inner.value.take();
        let old = if value.is_none() {
            inner.listener.replace(listener)
        } else {
            Some(listener)
        };
        drop(inner);
        drop_contained(old);
        value
    }

    /// Takes the value, after a short look out for one that must come within a moment.
    pub(crate) fn look_out(&self, limit: Duration) -> Option<T> {
        spin_until(limit, Between::Nothing, || self.is_there());
        self.take()
    }

    /// Takes the value, blocking this thread until it comes or the deadline has passed.
    pub(crate) fn wait_until(&self, deadline: Option<Instant>) -> Option<T> {
        self.wait(deadline, deadline)
    }

    /// The same for a thread that somebody else unparks when the deadline has passed.
    pub(crate) fn wait_until_unparked(&self, deadline: Option<Instant>) -> Option<T> {
        self.wait(deadline, None)
    }

    fn wait(&self, deadline: Option<Instant>, park_limit: Option<Instant>) -> Option<T> {
        let mut listener = Some(Listener::this_thread());
        loop {
            let timed_out = deadline.is_some_and(|deadline| deadline <= Instant::now());
            let mut inner = lock(&self.inner);
            let value = inner.value.take();
            let old = if value.is_some() || timed_out {
                inner.listener.take()
            } else if listener.is_some() {
                // The first time: whoever listened before does so no more.
                std::mem::replace(&mut inner.listener, listener.take())
            } else {
                None
            };
            drop(inner);
            let has_dropped = old.is_some();
            drop_contained(old);
            if value.is_some() || timed_out {
                return value;
            }
            // A waker is code of the user, whose `Drop` may have parked and so taken a wake-up that was for this wait.
            if !has_dropped {
                park_until(park_limit);
            }
        }
    }

    /// Nobody wants the value any more: it is dropped here, or by who brings it.
    pub(crate) fn abandon(&self) {
        let mut inner = lock(&self.inner);
        inner.unwanted = true;
        let (value, listener) = (inner.value.take(), inner.listener.take());
        drop(inner);
        drop_contained(value);
        drop_contained(listener);
    }
}
