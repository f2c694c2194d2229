//! The bound on pending jobs.
//!
//! Each pending job holds a permit, which is stored next to its closure: starting or cancelling the
//! job drops the permit and lets a waiting submitter in. A pool without a bound has no backlog and
//! pays nothing.

use std::sync::Arc;
use std::time::Instant;

use crate::sync::{Condvar, Mutex, lock, wait_until};

pub(crate) struct Backlog {
    inner: Mutex<Inner>,
    changed: Condvar,
    limit: usize,
}

struct Inner {
    /// Exceeds the limit only by jobs that were submitted on workers of the pool.
    taken: usize,
    waiting: usize,
    closed: bool,
}

/// The permit of one pending job.
pub(crate) struct Permit(Arc<Backlog>);

/// The reaction of a submission to a full backlog.
#[derive(Clone, Copy)]
pub(crate) enum WhenFull {
    /// Exceeds the limit.
    Exceed,
    /// Waits for a permit until a deadline, if there is one.
    Wait(Option<Instant>),
}

impl Backlog {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                taken: 0,
                waiting: 0,
                closed: false,
            }),
            changed: Condvar::new(),
            limit,
        }
    }

    /// Returns a permit, or `None` after the deadline. A closed backlog hands out permits freely,
    /// since the pool refuses the job anyway.
    pub(crate) fn enter(self: &Arc<Self>, when_full: WhenFull) -> Option<Permit> {
        let mut inner = lock(&self.inner);
        if let WhenFull::Wait(deadline) = when_full {
            while inner.taken >= self.limit && !inner.closed {
                let in_time;
                inner.waiting += 1;
                (inner, in_time) = wait_until(&self.changed, inner, deadline);
                inner.waiting -= 1;
                if !in_time {
                    return None;
                }
            }
        }
        inner.taken += 1;
        Some(Permit(Arc::clone(self)))
    }

    /// Lets all waiting submitters go.
    pub(crate) fn close(&self) {
        lock(&self.inner).closed = true;
        self.changed.notify_all();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let room = {
            let mut inner = lock(&self.0.inner);
            inner.taken -= 1;
            inner.waiting > 0 && inner.taken < self.0.limit
        };
        if room {
            self.0.changed.notify_one();
        }
    }
}
