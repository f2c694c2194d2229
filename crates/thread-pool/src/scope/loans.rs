//! The count of jobs that still borrow from a scope.

use std::sync::{Arc, PoisonError};

use crate::sync::{Condvar, Mutex, lock};

#[derive(Default)]
pub(super) struct Loans {
    count: Mutex<Count>,
    changed: Condvar,
}

#[derive(Default)]
struct Count {
    open: usize,
    /// The number of jobs announced so far.
    announced: usize,
    /// Whether the scope waits. Without a waiter, a notification would cost a system call for
    /// nothing.
    waiting: bool,
}

/// The right of one job to borrow, repaid when dropped.
pub(super) struct Loan(Arc<Loans>);

impl Loans {
    pub(super) fn lend(self: &Arc<Self>) -> Loan {
        lock(&self.count).open += 1;
        Loan(Arc::clone(self))
    }

    /// Reports that one more job is visible, since a worker that waits for the scope may have to
    /// run it.
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

    /// Blocks until every loan is repaid (`true`), or until a job beyond the first `announced` is
    /// announced (`false`).
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
