//! [`Counter`], a sharded counter, and its local handle.

use std::fmt;

use crossbeam_utils::CachePadded;

use crate::sharded::shard_count::{cores, power_of_two};
use crate::sharded::thread_index::thread_index;
use crate::sync::{AtomicU64, Ordering};

/// A counter that many threads add to without contention.
///
/// Each thread adds to its own shard, in its own cache line; reading adds the shards up. It wraps
/// at `u64::MAX`. This is the *statistical counter* of McKenney, *Is Parallel Programming Hard,
/// And, If So, What Can You Do About It?*, chapter "Counting"; Java has a relative, `LongAdder`.
/// Since no other thread writes to the shard of a thread, an addition is a load and a store, not an
/// atomic addition.
///
/// # Consistency
/// No update is ever lost. [`sum`](Counter::sum) includes
/// - exactly all updates, once the threads that add are known to have done so: they have been
///   joined, or the caller synchronised with them through a lock, a channel or the like;
/// - in the meantime, at least all updates that were finished before the call began, and at most
///   all that have begun when it ends. It is not the value at one moment, since the shards are read
///   one after another.
///
/// ```
/// use effective_locks::sharded::Counter;
///
/// let served = Counter::new();
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..1_000).for_each(|_| served.add(1)));
///     }
/// });
/// assert_eq!(served.sum(), 4_000);
/// ```
pub struct Counter {
    /// The shard of each thread index. Only the thread with that index writes to it.
    own: Box<[Shard]>,
    /// Shards for threads whose index is too large, or that have none.
    common: Box<[Shard]>,
}

type Shard = CachePadded<AtomicU64>;

impl Counter {
    /// A counter of 0, with shards for eight threads per core.
    pub fn new() -> Self {
        Self::for_threads(cores().saturating_mul(8))
    }

    /// A counter of 0 with a shard for each of `threads` threads, rounded up to a power of two
    /// between 1 and 65,536. A shard takes 128 bytes on most machines.
    ///
    /// If more live threads than this add to counters, the others share further shards with atomic
    /// additions, which are slower and lose nothing.
    pub fn for_threads(threads: usize) -> Self {
        let shards = |count| {
            (0..count)
                .map(|_| CachePadded::new(AtomicU64::new(0)))
                .collect()
        };
        let threads = power_of_two(threads);
        Self {
            own: shards(threads),
            // More than can run at once would be useless.
            common: shards(threads.min(power_of_two(cores().saturating_mul(4)))),
        }
    }

    /// Adds `n`. It never blocks.
    #[inline]
    pub fn add(&self, n: u64) {
        self.add_from(thread_index(), n);
    }

    /// Relaxed throughout: the count guards no other data, and a thread that needs an exact sum
    /// synchronises with the adding threads by other means, which order the additions.
    #[inline]
    fn add_from(&self, thread: usize, n: u64) {
        match self.own.get(thread) {
            // These two steps lose no update: an index belongs to one thread at a time, and the
            // lock of the index pool orders the writes of the thread that had it before.
            Some(shard) => {
                let sum = shard.load(Ordering::Relaxed).wrapping_add(n);
                shard.store(sum, Ordering::Relaxed);
            }
            None => {
                self.common[thread & (self.common.len() - 1)].fetch_add(n, Ordering::Relaxed);
            }
        }
    }

    /// The sum of all additions so far: see [consistency](Counter#consistency). It never blocks,
    /// and reads each shard: a few nanoseconds, and a cache miss for each shard in use elsewhere.
    pub fn sum(&self) -> u64 {
        self.own.iter().chain(&self.common).fold(0, |sum, shard| {
            sum.wrapping_add(shard.load(Ordering::Relaxed))
        })
    }

    /// A handle that counts separately and adds to this counter when it is flushed or dropped. An
    /// addition to it is a plain one.
    ///
    /// ```
    /// use effective_locks::sharded::Counter;
    ///
    /// let words = Counter::new();
    /// std::thread::scope(|scope| {
    ///     for line in ["one two", "three four five"] {
    ///         let words = &words;
    ///         scope.spawn(move || {
    ///             let mut words = words.local();
    ///             line.split(' ').for_each(|_| words.add(1));
    ///         });
    ///     }
    /// });
    /// assert_eq!(words.sum(), 5);
    /// ```
    pub fn local(&self) -> LocalCounter<'_> {
        LocalCounter {
            counter: self,
            pending: 0,
        }
    }
}

/// For the model checks, since all threads of loom share their thread-locals.
#[cfg(model_check)]
impl Counter {
    #[doc(hidden)]
    pub fn add_as(&self, thread: usize, n: u64) {
        self.add_from(thread, n);
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counter").field(&self.sum()).finish()
    }
}

/// The separate count of one thread, which is added to a [`Counter`]: see [`Counter::local`].
///
/// Dropping it flushes it, even during a panic. Forgetting it (`mem::forget`) loses the pending
/// count.
#[derive(Debug)]
#[must_use = "dropping it flushes it"]
pub struct LocalCounter<'a> {
    counter: &'a Counter,
    pending: u64,
}

impl LocalCounter<'_> {
    /// Adds `n` to the pending count.
    #[inline]
    pub fn add(&mut self, n: u64) {
        self.pending = self.pending.wrapping_add(n);
    }

    /// The pending count, which is not yet in the sum of the counter.
    pub fn pending(&self) -> u64 {
        self.pending
    }

    /// Adds the pending count to the counter.
    pub fn flush(&mut self) {
        self.counter.add(std::mem::take(&mut self.pending));
    }
}

impl Drop for LocalCounter<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}
