//! What was put, what is done, and closing: counters that many threads write without meeting.
//!
//! One counter for all would be one cache line for all: measured, that costs 2 to 17 times a bare channel. So each thread
//! counts on a shard of its own, as far as there are enough (see `seat.rs`), and whoever wants to know adds the shards up.
//! All counters only grow, which is what makes adding up sound.
//!
//! # A put
//! is *admitted* before its item is stored, and has *landed* when the item is stored or has been refused. A refused one is
//! done at once. So at any moment `admitted - done` is what is unfinished, and `admitted - landed` is what is in flight.
//!
//! # Closing
//! Each shard carries the mark `CLOSED` in the very word that admits puts. Whether a put comes before the closing is
//! therefore decided by one atomic step, and a put that is refused returns only when all shards are marked. Once all shards are marked, the puts that were admitted are a fixed set, and when
//! all of them have landed and the store is empty, nothing will ever be got again.
//!
//! Who has to know that all have landed waits for it, yielding. A put in flight runs no code of the user and waits for
//! nobody, so this is short; crossbeam's channel waits in the same way for a sender that has its slot and not yet filled it.
//!
//! # Is it all done?
//! `done` is read first, then `admitted`. Take the moment between the two passes. What was read of `done` is no more than
//! was done by then, what was read of `admitted` is no less than was admitted by then, and never is more done than
//! admitted. So if the two sums are equal, everything admitted by that moment was done at that moment.
//!
//! Who marks something done looks for joiners afterwards; who joins says so first and looks at the counters afterwards. All
//! of that is `SeqCst`, so one of the two sees the other: the last one done never misses a joiner.

use crossbeam_utils::CachePadded;

use crate::seat;
use crate::sync::{AtomicBool, AtomicU64, Ordering, sequenced, thread};

const CLOSED: u64 = 1 << 63;

pub(crate) struct Counts {
    shards: Box<[CachePadded<Shard>]>,
    /// All shards are marked.
    closed: AtomicBool,
}

/// The counters of one thread, or of the threads that share it, on a cache line of their own.
struct Shard {
    /// Puts that began, and the mark `CLOSED`.
    admitted: AtomicU64,
    /// Puts that stored their item or were refused.
    landed: AtomicU64,
    /// Items that are done, puts that were refused.
    done: AtomicU64,
}

/// Puts that were admitted and have yet to land.
pub(crate) struct Admitted<'a> {
    shard: &'a Shard,
    /// No other thread counts on this shard.
    own: bool,
}

impl Counts {
    pub(crate) fn new() -> Self {
        let shard = || {
            CachePadded::new(Shard {
                admitted: AtomicU64::new(0),
                landed: AtomicU64::new(0),
                done: AtomicU64::new(0),
            })
        };
        Self {
            shards: (0..=seat::number()).map(|_| shard()).collect(),
            closed: AtomicBool::new(false),
        }
    }

    /// This thread's shard, and whether it is its own. The last one is for all threads that have none.
    #[inline]
    fn mine(&self) -> (&Shard, bool) {
        let last = self.shards.len() - 1;
        let seat = seat::mine();
        (&self.shards[seat.min(last)], seat < last)
    }

    /// Admits puts of so many items, unless the queue is closed.
    #[inline]
    pub(crate) fn admit(&self, items: usize) -> Option<Admitted<'_>> {
        if self.is_closed() {
            return None;
        }
        let (shard, own) = self.mine();
        let admitted = Admitted { shard, own };
        let before = shard.admitted.fetch_add(items as u64, Ordering::SeqCst);
        if before & CLOSED == 0 {
            return Some(admitted);
        }
        admitted.refused(items);
        admitted.landed(items);
        // Whoever closes is still marking other shards. What comes after this refusal is to be refused as well, on
        // whatever shard; and the closer runs no code of the user, so this is short.
        while !self.is_closed() {
            thread::yield_now();
        }
        None
    }

    /// Marks items done. The joiners are to be looked at next.
    #[inline]
    pub(crate) fn done(&self, items: usize) {
        self.mine().0.add_done(items);
    }

    /// Closes, and says whether it was open. Everybody who waits is to be woken next.
    pub(crate) fn close(&self) -> bool {
        for shard in &self.shards {
            shard.admitted.fetch_or(CLOSED, Ordering::SeqCst);
        }
        let was_closed = self.closed.swap(true, Ordering::SeqCst);
        sequenced();
        !was_closed
    }

    /// No put that begins from now on is admitted.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Once closed: waits until all puts have landed that were admitted before.
    pub(crate) fn wait_landed(&self) {
        for shard in &self.shards {
            // `landed` is read first: a put that is refused meanwhile raises both, and can only make this wait for it too.
            while {
                let landed = shard.landed.load(Ordering::Acquire);
                shard.admitted.load(Ordering::SeqCst) & !CLOSED != landed
            } {
                thread::yield_now();
            }
        }
    }

    /// How many are put and not done. Exact when it is 0; otherwise as exact as can be while others go on.
    pub(crate) fn unfinished(&self) -> u64 {
        let done = self.sum(|shard| &shard.done);
        let admitted = self.sum(|shard| &shard.admitted);
        admitted - done
    }

    fn sum(&self, counter: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards
            .iter()
            .map(|shard| counter(shard).load(Ordering::SeqCst) & !CLOSED)
            .sum()
    }
}

impl Shard {
    #[inline]
    fn add_done(&self, items: usize) {
        self.done.fetch_add(items as u64, Ordering::SeqCst);
        sequenced();
    }
}

impl Admitted<'_> {
    /// So many of them have been refused, which makes them done. The joiners are to be looked at next.
    pub(crate) fn refused(&self, items: usize) {
        self.shard.add_done(items);
    }

    /// All of them are stored or refused.
    #[inline]
    pub(crate) fn landed(self, items: usize) {
        let landed = &self.shard.landed;
        if self.own {
            // Nobody else writes it: a plain store does, and spares a put the second of two costly steps.
            let before = landed.load(Ordering::Relaxed);
            landed.store(before + items as u64, Ordering::Release);
        } else {
            landed.fetch_add(items as u64, Ordering::Release);
        }
    }
}
