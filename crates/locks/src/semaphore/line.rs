//! Permits, and the line of those who wait for some.
//!
//! One word has the number of free permits and a bit that says whether somebody waits:
//!
//! ```text
//!   bit clear                               bit set
//!   take: subtracts, if enough are free     take: refuses, nobody overtakes
//!   give: adds                              give: under the lock, adds and serves the line from the front
//!   wait: under the lock, takes or sets     wait: under the lock, joins the line
//!         the bit and joins the line        leave (in vain): under the lock, serves who stood behind
//! ```
//!
//! The bit is set exactly when the line is not empty, and changes only under the lock. While it is set, the whole word
//! changes only under the lock, so what is written there needs no loop. A waiter sleeps by parking and is let go by a flag
//! of its own, set under the lock: therefore a waiter whose time is up knows, under the lock, whether it was served.
//!
//! What was done before a permit came back is visible to who gets it. Without waiters the word itself passes that on
//! (release and acquire). With some it is the lock: whoever joins the line acquires the word, with all that came back
//! until then, and nothing comes back past the lock until the line is empty again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::sync::{
    AtomicBool, AtomicUsize, Mutex, MutexGuard, Ordering, Thread, const_fn, current, lock,
    park_until,
};

pub(super) struct Line {
    word: AtomicUsize,
    waiters: Mutex<VecDeque<Arc<Waiter>>>,
}

struct Waiter {
    wanted: usize,
    served: AtomicBool,
    thread: Thread,
}

/// What stood in the way of somebody who waited in vain.
pub(super) struct Missed {
    pub(super) free: usize,
    pub(super) ahead: usize,
}

const WAITED_FOR: usize = 1;

/// The word with that many permits free.
const fn word(free: usize) -> usize {
    free << 1
}

const fn free(word: usize) -> usize {
    word >> 1
}

impl Line {
    pub(super) const MAX: usize = usize::MAX >> 1;

    const_fn! {
        pub(super) fn new(permits: usize) -> Self {
            Self {
                word: AtomicUsize::new(word(permits)),
                waiters: Mutex::new(VecDeque::new()),
            }
        }
    }

    /// Takes permits if they are free and nobody waits.
    pub(super) fn take(&self, wanted: usize) -> bool {
        self.take_or(wanted, |_| None).is_ok()
    }

    /// Takes permits, or makes of the word what `otherwise` says, or leaves it and returns it.
    fn take_or(
        &self,
        wanted: usize,
        otherwise: impl Fn(usize) -> Option<usize>,
    ) -> Result<(), usize> {
        let mut now = self.word.load(Ordering::Relaxed);
        loop {
            let enough = now & WAITED_FOR == 0 && free(now) >= wanted;
            let next = if enough {
                now - word(wanted)
            } else {
                otherwise(now).ok_or(now)?
            };
            // Acquire: whoever gets a permit sees what was done before it was given back.
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

    /// Gives permits back, or adds some.
    pub(super) fn give(&self, permits: usize) {
        if permits == 0 {
            return;
        }
        let mut now = self.word.load(Ordering::Relaxed);
        loop {
            if now & WAITED_FOR == 0 {
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
                if now & WAITED_FOR != 0 {
                    return self.serve(waiters, sum(free(now), permits));
                }
                // The last waiter has given up in between.
            }
        }
    }

    /// Takes permits and waits for them as long as it takes.
    pub(super) fn wait(&self, wanted: usize) {
        // Without a deadline it is never in vain.
        let _ = self.wait_deadline(wanted, None);
    }

    pub(super) fn wait_until(&self, wanted: usize, deadline: Instant) -> Result<(), Missed> {
        self.wait_deadline(wanted, Some(deadline))
    }

    fn wait_deadline(&self, wanted: usize, deadline: Option<Instant>) -> Result<(), Missed> {
        if self.take(wanted) {
            return Ok(());
        }
        let Some(waiter) = self.join(wanted) else {
            return Ok(());
        };
        // Acquire: as in `take`.
        while !waiter.served.load(Ordering::Acquire) {
            if !park_until(deadline) {
                return self.leave(&waiter);
            }
        }
        Ok(())
    }

    /// Stands in line, unless the permits are free by now and taken: `None`.
    fn join(&self, wanted: usize) -> Option<Arc<Waiter>> {
        let waiter = Arc::new(Waiter {
            wanted,
            served: AtomicBool::new(false),
            thread: current(),
        });
        let mut waiters = lock(&self.waiters);
        if self.take_or(wanted, |now| Some(now | WAITED_FOR)).is_ok() {
            return None;
        }
        waiters.push_back(Arc::clone(&waiter));
        Some(waiter)
    }

    /// Goes out of the line, unless served by now: then that is taken after all.
    fn leave(&self, waiter: &Arc<Waiter>) -> Result<(), Missed> {
        let mut waiters = lock(&self.waiters);
        // Who is served is out of the line. Acquire comes from the lock.
        let Some(ahead) = waiters.iter().position(|other| Arc::ptr_eq(other, waiter)) else {
            return Ok(());
        };
        waiters.remove(ahead);
        let free = free(self.word.load(Ordering::Relaxed));
        // Who stood behind may want less than this one did.
        self.serve(waiters, free);
        Err(Missed { free, ahead })
    }

    /// Serves the line from the front as far as the permits last, and wakes those that are served. For a word with the
    /// bit set.
    fn serve(&self, mut waiters: MutexGuard<'_, VecDeque<Arc<Waiter>>>, mut free: usize) {
        let mut served = Vec::new();
        while let Some(first) = waiters.front() {
            if first.wanted > free {
                break;
            }
            free -= first.wanted;
            // Release: as in `give`.
            first.served.store(true, Ordering::Release);
            served.extend(waiters.pop_front());
        }
        let bit = if waiters.is_empty() { 0 } else { WAITED_FOR };
        self.word.store(word(free) | bit, Ordering::Release);
        // Woken when the lock is free, so that none of them runs into it.
        drop(waiters);
        served.iter().for_each(|waiter| waiter.thread.unpark());
    }

    pub(super) fn free(&self) -> usize {
        free(self.word.load(Ordering::Acquire))
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.waiters).len()
    }
}

fn sum(free: usize, more: usize) -> usize {
    match free.checked_add(more) {
        Some(sum) if sum <= Line::MAX => sum,
        _ => panic!("more permits than a semaphore can have: see `Semaphore::MAX_PERMITS`"),
    }
}
