//! The bound on pending jobs.
//!
//! Each pending job holds a permit, which is stored next to its closure: starting or cancelling the
//! job drops the permit and lets a waiting submitter in. A pool without a bound has no backlog and
//! pays nothing.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use crate::lock;
use crate::sync::{Condvar, Mutex};

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
pub(crate) struct Place(Arc<Backlog>);

/// What a submission does while the backlog is full.
#[derive(Clone, Copy)]
pub(crate) enum Patience {
    /// Exceeds the limit.
    Never,
    /// Waits for a permit until a deadline, if there is one.
    Until(Option<Instant>),
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
    pub(crate) fn enter(self: &Arc<Self>, patience: Patience) -> Option<Place> {
        let mut inner = lock(&self.inner);
        if let Patience::Until(deadline) = patience {
            while inner.taken >= self.limit && !inner.closed {
                inner.waiting += 1;
                let (again, in_time) = match deadline {
                    None => (
                        self.changed
                            .wait(inner)
                            .unwrap_or_else(PoisonError::into_inner),
                        true,
                    ),
                    Some(deadline) => {
                        let left = deadline.saturating_duration_since(Instant::now());
                        if left.is_zero() {
                            (inner, false)
                        } else {
                            let again = self
                                .changed
                                .wait_timeout(inner, left)
                                .unwrap_or_else(PoisonError::into_inner)
                                .0;
                            (again, true)
                        }
                    }
                };
                inner = again;
                inner.waiting -= 1;
                if !in_time {
                    return None;
                }
            }
        }
        inner.taken += 1;
        Some(Place(Arc::clone(self)))
    }

    /// Lets all waiting submitters go.
    pub(crate) fn close(&self) {
        lock(&self.inner).closed = true;
        self.changed.notify_all();
    }
}

impl Drop for Place {
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
