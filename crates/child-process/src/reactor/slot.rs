//! Where a result waits for its future.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::task::Waker;

use super::sync::{Mutex, MutexGuard};

/// A place for one result, between the watching thread and a future.
#[derive(Debug)]
pub(crate) struct Slot<T>(Mutex<State<T>>);

#[derive(Debug)]
enum State<T> {
    Waiting(Option<Waker>),
    Done(T),
    Taken,
    Abandoned,
}

/// What a future finds.
#[derive(Debug)]
pub(crate) enum Taken<T> {
    Now(T),
    Later,
    Before,
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State::Waiting(None)))
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the result, or has `waker` woken when it is there.
    pub(crate) fn take(&self, waker: &Waker) -> Taken<T> {
        // Cloned before the lock and dropped after it: both are code of the runtime's.
        let waker = waker.clone();
        let mut state = self.state();
        let before = match &mut *state {
            State::Waiting(before) => before.replace(waker),
            State::Taken | State::Abandoned => return Taken::Before,
            State::Done(_) => {
                return match mem::replace(&mut *state, State::Taken) {
                    State::Done(result) => Taken::Now(result),
                    _ => Taken::Before,
                };
            }
        };
        drop(state);
        drop(before);
        Taken::Later
    }

    /// Puts the result there, unless nobody wants it any more.
    pub(crate) fn put(&self, result: T) {
        let mut state = self.state();
        if let State::Abandoned = *state {
            drop(state);
            return;
        }
        let before = mem::replace(&mut *state, State::Done(result));
        drop(state);
        if let State::Waiting(Some(waker)) = before {
            // A runtime that panics here must not take the other children with it, nor must what it panics with.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake()))
                && let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
            {
                mem::forget(second);
            }
        }
    }

    /// Nobody wants the result any more.
    pub(crate) fn abandon(&self) {
        let mut state = self.state();
        let before = mem::replace(&mut *state, State::Abandoned);
        drop(state);
        drop(before);
    }

    pub(crate) fn abandoned(&self) -> bool {
        matches!(*self.state(), State::Abandoned)
    }
}
