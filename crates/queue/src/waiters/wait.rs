//! A wait of one thread or task.

use std::task::{Poll, Waker};

use crate::sync::sequenced;
use crate::waiters::list::Waiters;

/// One wait, of a thread or a task. It is on the list while it has a number.
///
/// Dropping it leaves the list. If it was notified and has not acted on that, it notifies the next
/// waiter instead: a waiter that gives up loses no wake-up.
pub(crate) struct Wait<'a> {
    waiters: &'a Waiters,
    number: Option<u64>,
}

impl<'a> Wait<'a> {
    pub(crate) fn new(waiters: &'a Waiters) -> Self {
        Self {
            waiters,
            number: None,
        }
    }

    /// Tries `attempt`. If that yields nothing, this waiter is on the list afterwards and will be
    /// woken.
    ///
    /// It tries once more after joining the list. That attempt sees every change whose maker did
    /// not see this waiter: the list is written by a `SeqCst` operation before it, and a thread
    /// that makes a change reads the list after a `SeqCst` operation of its own.
    pub(crate) fn poll<R>(
        &mut self,
        waker: &Waker,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        if let Some(number) = self.number
            && self.waiters.replace_waker(number, waker)
        {
            // Polled without being notified. The attempt may succeed all the same.
            return match attempt() {
                Some(result) => {
                    self.leave();
                    Poll::Ready(result)
                }
                None => Poll::Pending,
            };
        }
        // This attempt uses the notification up, unless it panics: then the drop passes it on.
        let result = attempt();
        self.number = None;
        if let Some(result) = result {
            return Poll::Ready(result);
        }
        self.number = Some(self.waiters.insert(waker.clone()));
        sequenced();
        match attempt() {
            Some(result) => {
                self.leave();
                Poll::Ready(result)
            }
            None => Poll::Pending,
        }
    }

    /// Leaves the list, and passes a notification on that came meanwhile.
    fn leave(&mut self) {
        if let Some(number) = self.number.take()
            && !self.waiters.remove(number)
        {
            self.waiters.notify(1);
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
