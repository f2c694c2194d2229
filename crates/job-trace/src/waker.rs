//! A waker that notes the time of the first wake, so that the time a future waits for its executor
//! is not taken for the time it waits for its event.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::time::Instant;

#[derive(Debug, Default)]
pub(crate) struct NotingWaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    inner: Option<Waker>,
    woken: Option<Instant>,
}

impl NotingWaker {
    /// Passes wakes on to `inner` from now on; returns when the future was woken since the last
    /// call.
    pub(crate) fn pass_to(&self, inner: &Waker) -> Option<Instant> {
        let (woken, is_known) = {
            let mut state = self.state();
            let known = state.inner.as_ref();
            let is_known = known.is_some_and(|known| known.will_wake(inner));
            (state.woken.take(), is_known)
        };
        if !is_known {
            // Not under the lock: the code of an executor's waker may wake this one.
            let inner = inner.clone();
            let old = self.state().inner.replace(inner);
            drop(old);
        }
        woken
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for NotingWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let inner = {
            let mut state = self.state();
            state.woken.get_or_insert_with(Instant::now);
            state.inner.clone()
        };
        // Not under the lock: an executor may poll the future inside this call.
        if let Some(inner) = inner {
            inner.wake();
        }
    }
}
