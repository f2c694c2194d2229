//! The sharded counters of a queue: items put and done, and closing.
//!
//! A single counter would be a single cache line for all threads: measured, that costs 2 to 17
//! times a bare channel. So each thread counts on a shard of its own, as far as there are enough
//! (see `thread_index.rs`), and readers add the shards up. All counters only grow, which makes
//! adding up sound.
//!
//! # Puts
//! A put is *admitted* before its item is stored, and has *landed* once the item is stored or
//! refused. A refused item is done at once. So at any moment `admitted - done` items are
//! unfinished, and `admitted - landed` puts are in flight.
//!
//! # Closing
//! Each shard carries the mark `CLOSED` in the word that admits puts. So a single atomic operation
//! decides whether a put comes before the closing, and a refused put returns only when all shards
//! are marked. From then on the admitted puts are a fixed set, and once they have all landed and
//! the store is empty, no get will ever succeed again.
//!
//! A thread that needs them to have landed waits, yielding. A put in flight runs no user code and
//! waits for no other thread, so the wait is short; crossbeam's channel waits in the same way for a
//! sender that has reserved its slot but not filled it.
//!
//! # Is everything done?
//! `done` is read first, then `admitted`. Consider the moment between the two passes. The value
//! read of `done` is at most what was done by then, the value read of `admitted` is at least what
//! was admitted by then, and never is more done than admitted. So if the two sums are equal,
//! everything admitted by that moment was done by that moment.
//!
//! A thread that marks an item done looks for joiners afterwards; a joiner announces itself first
//! and reads the counters afterwards. All of these operations are `SeqCst`, so one of the two sees
//! the other, and the last item done never misses a joiner.

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicBool, AtomicU64, Ordering, sequenced, thread};
use crate::thread_index;

const CLOSED: u64 = 1 << 63;

pub(crate) struct Counts {
    shards: Box<[CachePadded<Shard>]>,
    /// Set when all shards are marked.
    closed: AtomicBool,
}

/// The counters of one thread, or of the threads that share it, on a cache line of their own.
struct Shard {
    /// Puts that began, and the mark `CLOSED`.
    admitted: AtomicU64,
    /// Puts that stored their item or were refused.
    landed: AtomicU64,
    /// Items that are done, and puts that were refused.
    done: AtomicU64,
}

/// Puts that were admitted and have not landed.
pub(crate) struct Admitted<'a> {
    shard: &'a Shard,
    /// Whether no other thread counts on this shard.
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
            shards: (0..=thread_index::own_shards()).map(|_| shard()).collect(),
            closed: AtomicBool::new(false),
        }
    }

    /// The shard of this thread, and whether it is its own. The last shard is for all threads
    /// without one.
    #[inline]
    fn own_shard(&self) -> (&Shard, bool) {
        let last = self.shards.len() - 1;
        let index = thread_index::current();
        (&self.shards[index.min(last)], index < last)
    }

    /// Admits puts of `items` items, unless the queue is closed.
    #[inline]
    pub(crate) fn admit(&self, items: usize) -> Option<Admitted<'_>> {
        if self.is_closed() {
            return None;
        }
        let (shard, own) = self.own_shard();
        let admitted = Admitted { shard, own };
        let before = shard.admitted.fetch_add(items as u64, Ordering::SeqCst);
        if before & CLOSED == 0 {
            return Some(admitted);
        }
        admitted.refused(items);
        admitted.landed(items);
        // The closing thread is still marking other shards. A put after this refusal must be
        // refused on any shard; and the closing thread runs no user code, so the wait is short.
        while !self.is_closed() {
            thread::yield_now();
        }
        None
    }

    /// Marks items done. The caller then notifies the joiners.
    #[inline]
    pub(crate) fn done(&self, items: usize) {
        self.own_shard().0.add_done(items);
    }

    /// Closes the queue, and returns whether it was open. The caller then wakes all waiters.
    pub(crate) fn close(&self) -> bool {
        for shard in &self.shards {
            shard.admitted.fetch_or(CLOSED, Ordering::SeqCst);
        }
        let was_closed = self.closed.swap(true, Ordering::SeqCst);
        sequenced();
        !was_closed
    }

    /// Whether no put that begins from now on is admitted.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Waits until all admitted puts have landed. Call it only after closing.
    pub(crate) fn wait_landed(&self) {
        for shard in &self.shards {
            // `landed` is read first: a put that is refused meanwhile raises both, and can only
            // prolong the wait.
            while {
                let landed = shard.landed.load(Ordering::Acquire);
                shard.admitted.load(Ordering::SeqCst) & !CLOSED != landed
            } {
                thread::yield_now();
            }
        }
    }

    /// The number of items put and not done. An estimate while other threads put and get, but never
    /// a false 0.
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
    /// Marks `items` of the puts refused, which makes them done. The caller then notifies the
    /// joiners.
    pub(crate) fn refused(&self, items: usize) {
        self.shard.add_done(items);
    }

    /// Marks all of the puts landed.
    #[inline]
    pub(crate) fn landed(self, items: usize) {
        let landed = &self.shard.landed;
        if self.own {
            // No other thread writes it, so a plain store saves the second of two costly
            // operations.
            let before = landed.load(Ordering::Relaxed);
            landed.store(before + items as u64, Ordering::Release);
        } else {
            landed.fetch_add(items as u64, Ordering::Release);
        }
    }
}
