use std::task::{Poll, Waker};

use super::Waiters;
use crate::sync::sequenced;

/// One wait, of a thread or a task. It is on the list while it has a number.
///
/// Dropping it leaves the list. If it was notified and did not come to act on that, it notifies the next one instead: no
/// wake-up is lost with a waiter that gives up.
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

    /// Tries `attempt`; if it yields nothing, this waiter is on the list afterwards, and will be woken.
    ///
    /// It tries once more when it is on the list. That attempt sees every change whose maker did not see this waiter: the
    /// list was written by a `SeqCst` step before it, and who makes a change reads the list after a `SeqCst` step of its own.
    pub(crate) fn poll<R>(
        &mut self,
        waker: &Waker,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        if let Some(number) = self.number
            && self.waiters.renew(number, waker)
        {
            // Polled without being notified. There may be something nevertheless.
            return match attempt() {
                Some(result) => {
                    self.leave();
                    Poll::Ready(result)
                }
                None => Poll::Pending,
            };
        }
        // If it was notified, this attempt uses that up; unless it panics, and then it is still to be passed on.
        let result = attempt();
        self.number = None;
        if let Some(result) = result {
            return Poll::Ready(result);
        }
        self.number = Some(self.waiters.enlist(waker.clone()));
        sequenced();
        match attempt() {
            Some(result) => {
                self.leave();
                Poll::Ready(result)
            }
            None => Poll::Pending,
        }
    }

    /// Leaves the list; a notification that came meanwhile is passed on.
    fn leave(&mut self) {
        if let Some(number) = self.number.take()
            && !self.waiters.delist(number)
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
