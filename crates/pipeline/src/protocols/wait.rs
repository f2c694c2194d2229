//! The list of threads that wait for one change.

use crate::sync::{Thread, current};

/// How a thread waits, and when it gives up.
pub trait Wait {
    /// Whether the run has ended for this thread, so that it stops waiting.
    fn is_over(&self) -> bool;

    /// Parks this thread until it is unparked. May return spuriously.
    fn park(&self);
}

/// The threads that wait for one change, in order. The list is guarded by the lock of what they
/// wait for.
///
/// Why no wake-up is lost: a thread adds itself under the lock under which it found nothing, and
/// parks after releasing it. A thread that makes the change removes a waiter under the same lock
/// and unparks it; an `unpark` before the `park` leaves a token. A woken thread looks again under
/// the lock and removes itself if it waits no longer, so no wake-up is spent on it.
#[derive(Default)]
pub struct Waiters(Vec<Thread>);

impl Waiters {
    pub fn add_self(&mut self) {
        let me = current();
        if self.0.iter().all(|thread| thread.id() != me.id()) {
            self.0.push(me);
        }
    }

    pub fn remove_self(&mut self) {
        if !self.0.is_empty() {
            let me = current().id();
            self.0.retain(|thread| thread.id() != me);
        }
    }

    /// The longest waiter, to be unparked after the lock is released.
    #[must_use]
    pub fn pop_first(&mut self) -> Option<Thread> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    #[must_use]
    pub fn pop_up_to(&mut self, count: usize) -> Vec<Thread> {
        let count = count.min(self.0.len());
        self.0.drain(..count).collect()
    }
}
