//! [`WaitQueue`], a count of permits with a first-in, first-out queue of waiters.
//!
//! One word holds the number of free permits and a bit that says whether there are waiters:
//!
//! ```text
//!   bit clear                             bit set
//!   try_acquire: subtracts, if enough     try_acquire: fails, so that no waiter is overtaken
//!   release: adds                         release: locks, adds, grants from the front of the queue
//!   acquire: locks, then subtracts or     acquire: locks, joins the queue
//!            sets the bit and joins       leave (on a timeout): locks, grants to those behind
//! ```
//!
//! The bit is set exactly if the queue is not empty, and changes only under the lock. While it is
//! set, the whole word changes only under the lock, so a plain store is enough there. A waiter
//! parks and is granted its permits by a flag of its own, set under the lock. So a waiter that
//! times out can find out, under the lock, whether it has been granted them.
//!
//! Writes before a release are visible to the thread that acquires the permit. Without waiters the
//! word itself orders them (release and acquire). With waiters the lock does: a thread that joins
//! the queue acquires the word, with all releases until then, and no later release bypasses the
//! lock until the queue is empty again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::sync::{
    AtomicBool, AtomicUsize, Mutex, MutexGuard, Ordering, Thread, const_fn, current, lock,
    park_until,
};

pub(crate) struct WaitQueue {
    word: AtomicUsize,
    waiters: Mutex<VecDeque<Arc<Waiter>>>,
}

struct Waiter {
    wanted: usize,
    granted: AtomicBool,
    thread: Thread,
}

/// The state of the queue when a waiter timed out.
pub(crate) struct Missed {
    pub(crate) free: usize,
    pub(crate) ahead: usize,
}

const HAS_WAITERS: usize = 1;

/// The word for `free` permits and no waiters.
const fn word(free: usize) -> usize {
    free << 1
}

const fn free(word: usize) -> usize {
    word >> 1
}

impl WaitQueue {
    pub(crate) const MAX: usize = usize::MAX >> 1;

    const_fn! {
        pub(crate) fn new(permits: usize) -> Self {
            Self {
                word: AtomicUsize::new(word(permits)),
                waiters: Mutex::new(VecDeque::new()),
            }
        }
    }

    /// Acquires permits if they are free and there are no waiters.
    pub(crate) fn try_acquire(&self, wanted: usize) -> bool {
        self.acquire_or(wanted, |_| None).is_ok()
    }

    /// Acquires permits, or else replaces the word by `otherwise` of it, if that is `Some`. The
    /// error is the word after that.
    fn acquire_or(
        &self,
        wanted: usize,
        otherwise: impl Fn(usize) -> Option<usize>,
    ) -> Result<(), usize> {
        let mut now = self.word.load(Ordering::Relaxed);
        loop {
            let enough = now & HAS_WAITERS == 0 && free(now) >= wanted;
            let next = if enough {
                now - word(wanted)
            } else {
                otherwise(now).ok_or(now)?
            };
            // Acquire: a thread that gets a permit sees the writes before its release.
            match self
                .word
                .compare_exchange_weak(now, next, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) if enough => return Ok(()),
                Ok(_) => return Err(next),
                Err(other) => now = other,
            }
        }
    }

    /// Releases permits, or adds new ones.
    pub(crate) fn release(&self, permits: usize) {
        if permits == 0 {
            return;
        }
        let mut now = self.word.load(Ordering::Relaxed);
        loop {
            if now & HAS_WAITERS == 0 {
                let next = word(sum(free(now), permits));
                match self.word.compare_exchange_weak(
                    now,
                    next,
                    Ordering::Release,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return,
                    Err(other) => now = other,
                }
            } else {
                let waiters = lock(&self.waiters);
                now = self.word.load(Ordering::Relaxed);
                if now & HAS_WAITERS != 0 {
                    return self.grant(waiters, sum(free(now), permits));
                }
                // The last waiter has left in the meantime.
            }
        }
    }

    /// Acquires permits and waits for them without a timeout.
    pub(crate) fn acquire(&self, wanted: usize) {
        // Without a deadline it never fails.
        let _ = self.acquire_deadline(wanted, None);
    }

    pub(crate) fn acquire_until(&self, wanted: usize, deadline: Instant) -> Result<(), Missed> {
        self.acquire_deadline(wanted, Some(deadline))
    }

    fn acquire_deadline(&self, wanted: usize, deadline: Option<Instant>) -> Result<(), Missed> {
        if self.try_acquire(wanted) {
            return Ok(());
        }
        let Some(waiter) = self.join(wanted) else {
            return Ok(());
        };
        // Acquire: as in `acquire_or`.
        while !waiter.granted.load(Ordering::Acquire) {
            if !park_until(deadline) {
                return self.leave(&waiter);
            }
        }
        Ok(())
    }

    /// Joins the queue. `None` if the permits are free by now and have been acquired.
    fn join(&self, wanted: usize) -> Option<Arc<Waiter>> {
        let waiter = Arc::new(Waiter {
            wanted,
            granted: AtomicBool::new(false),
            thread: current(),
        });
        let mut waiters = lock(&self.waiters);
        if self
            .acquire_or(wanted, |now| Some(now | HAS_WAITERS))
            .is_ok()
        {
            return None;
        }
        waiters.push_back(Arc::clone(&waiter));
        Some(waiter)
    }

    /// Leaves the queue, unless the permits have been granted by now.
    fn leave(&self, waiter: &Arc<Waiter>) -> Result<(), Missed> {
        let mut waiters = lock(&self.waiters);
        // A waiter that was granted its permits is no longer queued. The lock is the acquire.
        let Some(ahead) = waiters.iter().position(|other| Arc::ptr_eq(other, waiter)) else {
            return Ok(());
        };
        waiters.remove(ahead);
        let free = free(self.word.load(Ordering::Relaxed));
        // A waiter behind may want fewer permits than this one did.
        self.grant(waiters, free);
        Err(Missed { free, ahead })
    }

    /// Grants free permits from the front of the queue and wakes those waiters. The bit must be
    /// set.
    fn grant(&self, mut waiters: MutexGuard<'_, VecDeque<Arc<Waiter>>>, mut free: usize) {
        let mut granted = Vec::new();
        while let Some(first) = waiters.front() {
            if first.wanted > free {
                break;
            }
            free -= first.wanted;
            // Release: as in `release`.
            first.granted.store(true, Ordering::Release);
            granted.extend(waiters.pop_front());
        }
        let bit = if waiters.is_empty() { 0 } else { HAS_WAITERS };
        self.word.store(word(free) | bit, Ordering::Release);
        // Unlock before waking, so that no woken waiter blocks on the lock.
        drop(waiters);
        granted.iter().for_each(|waiter| waiter.thread.unpark());
    }

    pub(crate) fn free(&self) -> usize {
        free(self.word.load(Ordering::Acquire))
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.waiters).len()
    }
}

fn sum(free: usize, more: usize) -> usize {
    match free.checked_add(more) {
        Some(sum) if sum <= WaitQueue::MAX => sum,
        _ => panic!("too many permits for a semaphore: see `Semaphore::MAX_PERMITS`"),
    }
}
