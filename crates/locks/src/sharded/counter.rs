use std::fmt;

use crossbeam_utils::CachePadded;

use super::thread_number::thread_number;
use super::{cores, power_of_two};
use crate::sync::{AtomicU64, Ordering};

/// A counter that many threads add to without getting in each other's way.
///
/// Each thread adds to a shard of its own, in a cache line of its own; reading adds the shards up. It wraps at `u64::MAX`.
/// This is the *statistical counter* of McKenney, *Is Parallel Programming Hard, And, If So, What Can You Do About It?*,
/// chapter "Counting"; Java has a relative of it as `LongAdder`. Since nobody else writes to the shard of a thread, an
/// addition is a load and a store, and needs none of the processor's atomic additions.
///
/// # What is exact when
/// No update is ever lost. [`sum`](Counter::sum) has
/// - exactly all of them, once the threads that add are known to have done so: joined, or heard of through a lock, a
///   channel or the like;
/// - while they go on, some of those that are under way: at least all that were done before the call began, and at most
///   all that have begun when it ends. It is not the value of one moment, since the shards are read one after another.
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
    /// The shard of the thread with that number. Only this thread writes to it.
    own: Box<[Shard]>,
    /// For threads whose numbers are too high, and those that have none.
    common: Box<[Shard]>,
}

type Shard = CachePadded<AtomicU64>;

impl Counter {
    /// A counter of 0, with shards for eight threads per core.
    pub fn new() -> Self {
        Self::for_threads(cores().saturating_mul(8))
    }

    /// A counter of 0 with a shard for each of so many threads, rounded up to a power of two between 1 and 65,536. A shard
    /// takes 128 bytes on most machines.
    ///
    /// If more threads than this add to counters at the same time, some of them share other shards: there an addition is
    /// an atomic one. It costs time and loses nothing.
    pub fn for_threads(threads: usize) -> Self {
        let shards = |count| {
            (0..count)
                .map(|_| CachePadded::new(AtomicU64::new(0)))
                .collect()
        };
        let threads = power_of_two(threads);
        Self {
            own: shards(threads),
            // More than run at once are of no use.
            common: shards(threads.min(power_of_two(cores().saturating_mul(4)))),
        }
    }

    /// Adds `n`. It never waits.
    #[inline]
    pub fn add(&self, n: u64) {
        self.add_from(thread_number(), n);
    }

    /// Relaxed throughout: the count guards no other data, and whoever wants an exact sum has to have heard of the
    /// additions by other means, which order them.
    #[inline]
    fn add_from(&self, thread: usize, n: u64) {
        match self.own.get(thread) {
            // Two steps, and nobody in between: a number belongs to one thread at a time, and what the thread before did
            // under it is ordered by the lock that the number went through. So this is no lost update.
            Some(shard) => {
                let sum = shard.load(Ordering::Relaxed).wrapping_add(n);
                shard.store(sum, Ordering::Relaxed);
            }
            None => {
                self.common[thread & (self.common.len() - 1)].fetch_add(n, Ordering::Relaxed);
            }
        }
    }

    /// What was added up to now: see [what is exact when](Counter#what-is-exact-when). It never waits and costs a read of
    /// each shard: some nanoseconds, and a cache miss for each that is in use elsewhere.
    pub fn sum(&self) -> u64 {
        self.own.iter().chain(&self.common).fold(0, |sum, shard| {
            sum.wrapping_add(shard.load(Ordering::Relaxed))
        })
    }

    /// A handle that counts by itself and adds to this counter when it is flushed or dropped: an addition then costs what
    /// an addition costs.
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

/// For the model checker, whose threads all have the same thread-locals.
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

/// One thread's own count, to be added to a [`Counter`]: made by [`Counter::local`].
///
/// Dropping it flushes it, also in a panic. Forgetting it (`mem::forget`) loses what is pending.
#[derive(Debug)]
#[must_use = "it counts until it is dropped"]
pub struct LocalCounter<'a> {
    counter: &'a Counter,
    pending: u64,
}

impl LocalCounter<'_> {
    /// Adds `n` to what is pending.
    #[inline]
    pub fn add(&mut self, n: u64) {
        self.pending = self.pending.wrapping_add(n);
    }

    /// What is pending: not yet in the sum of the counter.
    pub fn pending(&self) -> u64 {
        self.pending
    }

    /// Adds what is pending to the counter.
    pub fn flush(&mut self) {
        self.counter.add(std::mem::take(&mut self.pending));
    }
}

impl Drop for LocalCounter<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}
