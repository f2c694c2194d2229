//! [`Permits`], a semaphore that bounds the live threads of the process and detects deadlock.
//!
//! The bound belongs to the process and not to a call: two calls that each kept to it would exceed
//! it together.
//!
//! # Waiting and deadlock
//! A call with a running thread never waits here: one of its own threads will end. A call without
//! one waits for a permit of another call, which is released as soon as any thread with a permit
//! ends. So the wait can last forever only if all those threads wait for threads themselves, which
//! happens with calls nested in tasks. Such a thread is counted as blocked while it waits. Once all
//! live threads are blocked, one waiter is refused, and its call continues with an error for that
//! task.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "public to the model checks only"
)]

use std::time::Instant;

use crate::sync::{Condvar, Mutex, lock, wait};

pub struct Permits {
    max: usize,
    counts: Mutex<Counts>,
    changed: Condvar,
}

#[derive(Default)]
struct Counts {
    /// Permits in use.
    live: usize,
    /// Threads with a permit that wait for another permit, or for a thread of theirs to end.
    blocked: usize,
    /// Waiters, so that nothing is notified without one.
    waiting: usize,
}

/// Permission to have one live thread. The drop releases it.
pub struct Permit<'a>(&'a Permits);

/// Why a permit was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    Cancelled,
    /// All threads wait for threads.
    Deadlock,
}

impl Permits {
    pub fn new(max: usize) -> Self {
        Self {
            max,
            counts: Mutex::new(Counts::default()),
            changed: Condvar::new(),
        }
    }

    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.acquire_locked(&mut lock(&self.counts))
    }

    /// Waits for a permit. `holder` says whether the calling thread has one itself, which it keeps
    /// meanwhile. The wait ends when `cancelled` returns true; it is called at the start, after
    /// every [`wake_all`](Self::wake_all), and at the `deadline`.
    pub fn acquire(
        &self,
        holder: bool,
        deadline: Option<Instant>,
        cancelled: impl Fn() -> bool,
    ) -> Result<Permit<'_>, Denied> {
        let mut counts = lock(&self.counts);
        if holder {
            self.add_blocked(&mut counts);
        }
        let outcome = loop {
            if cancelled() {
                break Err(Denied::Cancelled);
            }
            if let Some(permit) = self.acquire_locked(&mut counts) {
                break Ok(permit);
            }
            if holder && counts.blocked == counts.live {
                break Err(Denied::Deadlock);
            }
            counts.waiting += 1;
            counts = wait(&self.changed, counts, deadline);
            counts.waiting -= 1;
        };
        if holder {
            // Under the same lock, so that the next waiter does not count this one as blocked.
            counts.blocked -= 1;
        }
        drop(counts);
        outcome
    }

    /// Makes all waiters check whether they are cancelled.
    pub fn wake_all(&self) {
        self.notify(&lock(&self.counts));
    }

    /// Counts the calling thread, which has a permit, as blocked until the guard is dropped.
    pub fn block(&self) -> Blocked<'_> {
        self.add_blocked(&mut lock(&self.counts));
        Blocked(self)
    }

    fn add_blocked(&self, counts: &mut Counts) {
        counts.blocked += 1;
        if counts.blocked == counts.live {
            self.notify(counts);
        }
    }

    fn acquire_locked(&self, counts: &mut Counts) -> Option<Permit<'_>> {
        (counts.live < self.max).then(|| {
            counts.live += 1;
            Permit(self)
        })
    }

    /// Notifies all waiters: a single notification could go to a waiter that is cancelled.
    fn notify(&self, counts: &Counts) {
        if counts.waiting > 0 {
            self.changed.notify_all();
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut counts = lock(&self.0.counts);
        counts.live -= 1;
        self.0.notify(&counts);
    }
}

/// The guard of [`Permits::block`].
pub struct Blocked<'a>(&'a Permits);

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        lock(&self.0.counts).blocked -= 1;
    }
}

#[cfg(all(test, not(model_check)))]
mod tests {
    use super::*;
    use std::time::Duration;

    const NEVER: fn() -> bool = || false;

    #[test]
    fn permits_are_bounded_and_released_on_drop() {
        let permits = Permits::new(2);
        let first = permits.try_acquire();
        let second = permits.acquire(false, None, NEVER).ok();
        assert!(first.is_some() && second.is_some());
        assert!(permits.try_acquire().is_none());
        drop(first);
        assert!(permits.try_acquire().is_some());
    }

    #[test]
    fn acquire_ends_when_cancelled_at_start_or_deadline() {
        let permits = Permits::new(1);
        let _held = permits.try_acquire();
        assert_eq!(
            permits.acquire(false, None, || true).err(),
            Some(Denied::Cancelled),
            "at the start"
        );
        let deadline = Instant::now() + Duration::from_millis(20);
        let outcome = permits.acquire(false, Some(deadline), || Instant::now() >= deadline);
        assert_eq!(outcome.err(), Some(Denied::Cancelled));
    }

    #[test]
    fn holder_is_refused_only_if_all_threads_are_blocked() {
        let permits = Permits::new(2);
        let (mine, other) = (permits.try_acquire(), permits.try_acquire());
        let soon = Instant::now() + Duration::from_millis(20);
        let outcome = permits.acquire(true, Some(soon), || Instant::now() >= soon);
        assert_eq!(outcome.err(), Some(Denied::Cancelled), "the other may end");
        let blocked = permits.block();
        assert_eq!(
            permits.acquire(true, None, NEVER).err(),
            Some(Denied::Deadlock)
        );
        drop((blocked, other));
        assert!(permits.acquire(true, None, NEVER).is_ok());
        drop(mine);
    }
}
