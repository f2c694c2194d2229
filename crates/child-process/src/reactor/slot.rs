//! A one-shot slot that passes a result from the watcher thread to a future.
#![cfg_attr(
    not(model_check),
    allow(unreachable_pub, reason = "public for the model check")
)]

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::task::Waker;

use crate::sync::{Mutex, MutexGuard};

/// A slot for one result.
#[derive(Debug)]
pub struct Slot<T>(Mutex<State<T>>);

#[derive(Debug)]
enum State<T> {
    Waiting(Option<Waker>),
    Done(T),
    Taken,
    Abandoned,
}

/// The result of polling a slot.
#[derive(Debug)]
pub enum Poll<T> {
    /// The result.
    Ready(T),
    /// There is no result yet; the waker is registered.
    Pending,
    /// The result was taken before.
    Taken,
}

impl<T> Slot<T> {
    /// An empty slot.
    #[allow(clippy::new_without_default, reason = "it is always shared")]
    pub fn new() -> Self {
        Self(Mutex::new(State::Waiting(None)))
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the result, or registers `waker` in place of an earlier one.
    pub fn poll(&self, waker: &Waker) -> Poll<T> {
        // Cloned and dropped outside the lock, because both run code of the async runtime.
        let waker = waker.clone();
        let mut state = self.state();
        let earlier = match &mut *state {
            State::Waiting(earlier) => earlier.replace(waker),
            State::Taken | State::Abandoned => return Poll::Taken,
            State::Done(_) => {
                return match mem::replace(&mut *state, State::Taken) {
                    State::Done(result) => Poll::Ready(result),
                    _ => Poll::Taken,
                };
            }
        };
        drop(state);
        drop(earlier);
        Poll::Pending
    }

    /// Stores the result and wakes the future. An abandoned slot drops the result.
    pub fn put(&self, result: T) {
        let mut state = self.state();
        if let State::Abandoned = *state {
            drop(state);
            return;
        }
        let earlier = mem::replace(&mut *state, State::Done(result));
        drop(state);
        if let State::Waiting(Some(waker)) = earlier {
            // A waker that panics must not take down the thread that serves all other children. The
            // payload is leaked, because its destructor may panic too.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                mem::forget(payload);
            }
        }
    }

    /// Declares that the result is no longer wanted.
    pub fn abandon(&self) {
        let mut state = self.state();
        let earlier = mem::replace(&mut *state, State::Abandoned);
        drop(state);
        drop(earlier);
    }

    /// Whether the result is no longer wanted.
    pub fn is_abandoned(&self) -> bool {
        matches!(*self.state(), State::Abandoned)
    }
}
