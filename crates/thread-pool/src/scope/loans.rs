//! The count of jobs that still borrow from the scope.

use std::sync::{Arc, PoisonError};

use crate::lock;
use crate::sync::{Condvar, Mutex};

#[derive(Default)]
pub(super) struct Loans {
    count: Mutex<Count>,
    changed: Condvar,
}

#[derive(Default)]
struct Count {
    open: usize,
    /// How many jobs were announced so far.
    announced: usize,
    /// Whether the scope waits: waking nobody would still cost a system call.
    waiting: bool,
}

/// One job's right to borrow, given back when dropped.
pub(super) struct Loan(Arc<Loans>);

impl Loans {
    pub(super) fn lend(self: &Arc<Self>) -> Loan {
        lock(&self.count).open += 1;
        Loan(Arc::clone(self))
    }

    /// Says that one more job can be looked at: who waits for the scope may have to run it.
    pub(super) fn announce(&self) {
        let waiting = {
            let mut count = lock(&self.count);
            count.announced += 1;
            count.waiting
        };
        if waiting {
            self.changed.notify_all();
        }
    }

    pub(super) fn announced(&self) -> usize {
        lock(&self.count).announced
    }

    /// Blocks until every loan is repaid.
    pub(super) fn wait(&self) {
        let mut count = lock(&self.count);
        while count.open > 0 {
            count.waiting = true;
            count = self
                .changed
                .wait(count)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Blocks until every loan is repaid: `true`; or until more than these jobs were announced: `false`.
    pub(super) fn wait_or_more(&self, announced: usize) -> bool {
        let mut count = lock(&self.count);
        while count.open > 0 {
            if count.announced != announced {
                count.waiting = false;
                return false;
            }
            count.waiting = true;
            count = self
                .changed
                .wait(count)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let repaid = {
            let mut count = lock(&self.0.count);
            count.open -= 1;
            count.open == 0 && count.waiting
        };
        if repaid {
            self.0.changed.notify_all();
        }
    }
}
