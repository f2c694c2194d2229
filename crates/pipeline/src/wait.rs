//! Who waits for what, by thread.

#![allow(unreachable_pub, reason = "public to the model checks")]

use crate::sync::{Thread, current};

/// What a thread that waits has to know.
pub trait Wait {
    /// Whether there is nothing more to wait for: the run has been cut.
    fn is_over(&self) -> bool;

    /// Sleep until somebody unparks this thread, or for no reason at all.
    fn park(&self);
}

/// The threads that wait for one thing. It lives under the lock of that thing.
///
/// Why no wake-up is lost: a thread enters itself under the lock under which it found nothing, and parks after it let go
/// of the lock. Whoever changes that thing takes a thread out under the same lock and unparks it, and an `unpark` that
/// comes before the `park` is kept as a token. A thread that wakes up looks again under the lock, and takes itself out
/// if it need not wait any longer, so that a wake-up is never spent on one that no longer waits.
#[derive(Default)]
pub struct Waiters(Vec<Thread>);

impl Waiters {
    pub fn enter(&mut self) {
        let me = current();
        if self.0.iter().all(|thread| thread.id() != me.id()) {
            self.0.push(me);
        }
    }

    pub fn take_out_self(&mut self) {
        if !self.0.is_empty() {
            let me = current().id();
            self.0.retain(|thread| thread.id() != me);
        }
    }

    /// The one that has waited for longest, to be unparked after the lock is let go.
    #[must_use]
    pub fn next(&mut self) -> Option<Thread> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    #[must_use]
    pub fn first(&mut self, most: usize) -> Vec<Thread> {
        let most = most.min(self.0.len());
        self.0.drain(..most).collect()
    }
}
