//! [`Map`], a sharded hash map for many updates and few reads.

use std::borrow::Borrow;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::num::NonZeroU64;
use std::time::Duration;

use crossbeam_utils::CachePadded;
use parking_lot::{Mutex, MutexGuard};

use crate::sharded::entries::Entries;
use crate::sharded::shard_count::{cores, power_of_two};
use crate::timed_out::TimedOut;

/// A map that many threads accumulate into and that is read rarely or at the end: a histogram, an
/// index, sums per key.
///
/// Its keys are spread over shards, each a hash table with its own mutex and cache lines. There are
/// two ways to update it:
/// - [`update`](Map::update) locks the shard of the key for one update. Readers are always up to
///   date.
/// - [`local`](Map::local) accumulates in a table of the calling thread, and merges it into the map
///   when it is flushed or dropped: no lock per update. Readers lag behind.
///
/// ```
/// use effective_locks::sharded::Map;
///
/// let counts = Map::new();
/// std::thread::scope(|scope| {
///     for text in ["to be or not", "to be"] {
///         let counts = &counts;
///         scope.spawn(move || {
///             let mut counts = counts.local(|total: &mut u64, mine| *total += mine);
///             for word in text.split(' ') {
///                 counts.update(word, |count| *count += 1);
///             }
///         });
///     }
/// });
/// let counts = counts.into_map();
/// assert_eq!((counts["to"], counts["not"]), (2, 1));
/// ```
///
/// # Consistency
/// `update` is atomic per key. A read sees all earlier updates of the key. Operations over all keys
/// ([`snapshot`](Map::snapshot), [`for_each`](Map::for_each), [`len`](Map::len)) go shard by shard:
/// they are exact for each shard, but no snapshot of the whole map at one moment while other
/// threads update it. [`into_map`](Map::into_map) is exact and includes all handles: they borrow
/// the map, so it compiles only once the last of them is dropped.
///
/// # Panics and closures
/// Closures, the key's `Eq` and the value's `Default` run under the lock of one shard: keep them
/// short. They must not use the same map, since that could lock the same shard again and deadlock.
/// Keys are dropped after unlocking, so their destructors may use the map; a value that a closure
/// drops is dropped under the lock. If one of these panics, the panic goes to the caller, the shard
/// is unlocked, and the map remains usable; the value is as the closure left it. There is no
/// poisoning.
///
/// # Hashing
/// By default the hasher is std's, which resists keys chosen by an attacker and is not fast. For
/// trusted keys, use a faster one ([`with_hasher`](Map::with_hasher)).
pub struct Map<K, V, S = RandomState> {
    pub(super) shards: Box<[Shard<K, V>]>,
    pub(super) hasher: S,
}

/// Enough that threads rarely meet in a shard unless they use the same key, and that each frequent
/// key has the first slot of a shard: on two cores and 4,096 keys, 512 shards take an eighth less
/// time than 128.
const SHARDS_PER_CORE: usize = 256;
/// An empty shard takes 128 bytes, so this is 128 KiB.
const DEFAULT_MAX: usize = 1_024;

/// A bit of the hash that the tables do not use: they use the low ones and the highest seven.
const NOT_ZERO: NonZeroU64 = NonZeroU64::new(1 << 40).unwrap();

pub(super) type Shard<K, V> = CachePadded<Mutex<Entries<K, V>>>;

impl<K: Eq + Hash, V> Map<K, V> {
    /// An empty map with std's hasher and 256 shards per core, at most 1,024. An empty shard takes
    /// 128 bytes: use few maps that live long.
    pub fn new() -> Self {
        Self::with_hasher(RandomState::new())
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Map<K, V, S> {
    /// An empty map with the given hasher and 256 shards per core, at most 1,024.
    pub fn with_hasher(hasher: S) -> Self {
        let shards = cores().saturating_mul(SHARDS_PER_CORE).min(DEFAULT_MAX);
        Self::with_shards_and_hasher(shards, hasher)
    }

    /// An empty map with `shards` shards, rounded up to a power of two between 1 and 65,536.
    pub fn with_shards_and_hasher(shards: usize, hasher: S) -> Self {
        Self {
            shards: (0..power_of_two(shards))
                .map(|_| CachePadded::new(Mutex::new(Entries::new())))
                .collect(),
            hasher,
        }
    }

    /// Runs `f` on the value of the key, or on a new `V::default()` if there is none.
    ///
    /// It waits for the lock of the shard without a timeout: see
    /// [`update_timeout`](Map::update_timeout).
    ///
    /// ```
    /// let totals = effective_locks::sharded::Map::new();
    /// totals.update("a", |total: &mut u32| *total += 2);
    /// totals.update("a", |total| *total += 3);
    /// assert_eq!(totals.get("a"), Some(5));
    /// ```
    ///
    /// # Panics
    /// If `f` does, or the key or the value in its `Hash`, `Eq` or `Default`.
    #[inline]
    pub fn update<R>(&self, key: K, f: impl FnOnce(&mut V) -> R) -> R
    where
        V: Default,
    {
        let hash = self.hash(&key);
        // Declared first, so that a key that is not stored is dropped after unlocking.
        let mut key = Some(key);
        let mut entries = self.lock(hash);
        f(entries.value(hash, &mut key, V::default))
    }

    /// [`update`](Map::update) that waits for the lock of the shard for at most `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`]. Then `f` has not run.
    ///
    /// # Panics
    /// As for [`update`](Map::update).
    pub fn update_timeout<R>(
        &self,
        key: K,
        timeout: Duration,
        f: impl FnOnce(&mut V) -> R,
    ) -> Result<R, TimedOut>
    where
        V: Default,
    {
        let hash = self.hash(&key);
        // As in `update`.
        let mut key = Some(key);
        let mut entries = self.lock_timeout(hash, timeout)?;
        Ok(f(entries.value(hash, &mut key, V::default)))
    }

    /// Removes the key and returns its value.
    ///
    /// # Panics
    /// If the key does in its `Hash` or `Eq`.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hash(key);
        let removed = self.lock(hash).remove(hash, key);
        // The key is dropped here, after unlocking.
        removed.map(|(_, value)| value)
    }

    /// [`remove`](Map::remove) that waits for the lock of the shard for at most `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`]. Then nothing is removed.
    ///
    /// # Panics
    /// As for [`remove`](Map::remove).
    pub fn remove_timeout<Q>(&self, key: &Q, timeout: Duration) -> Result<Option<V>, TimedOut>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hash(key);
        let removed = self.lock_timeout(hash, timeout)?.remove(hash, key);
        Ok(removed.map(|(_, value)| value))
    }

    /// Frees the memory of removed keys, shard by shard.
    ///
    /// ```
    /// let sessions = effective_locks::sharded::Map::<u64, u32>::new();
    /// (0..10_000).for_each(|session| sessions.update(session, |count| *count += 1));
    /// (0..10_000).for_each(|session| drop(sessions.remove(&session)));
    /// sessions.shrink_to_fit();
    /// ```
    pub fn shrink_to_fit(&self) {
        for shard in &self.shards {
            shard.lock().shrink_to_fit();
        }
    }

    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> NonZeroU64 {
        NOT_ZERO | self.hasher.hash_one(key)
    }

    #[inline]
    fn shard(&self, hash: NonZeroU64) -> &Shard<K, V> {
        &self.shards[self.shard_index(hash)]
    }

    /// The index of the shard. The tables use the low and the highest bits of the hash. The
    /// multiplication by the golden ratio (Knuth, *The Art of Computer Programming*, 6.4) mixes all
    /// bits, so that even a weak hash fills all shards.
    #[inline]
    pub(super) fn shard_index(&self, hash: NonZeroU64) -> usize {
        let spread = hash.get().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        spread as usize & (self.shards.len() - 1)
    }

    #[inline]
    pub(super) fn lock(&self, hash: NonZeroU64) -> MutexGuard<'_, Entries<K, V>> {
        self.shard(hash).lock()
    }

    pub(super) fn lock_timeout(
        &self,
        hash: NonZeroU64,
        timeout: Duration,
    ) -> Result<MutexGuard<'_, Entries<K, V>>, TimedOut> {
        let entries = self.shard(hash).try_lock_for(timeout);
        entries.ok_or_else(|| TimedOut::shard(timeout))
    }
}

impl<K: Eq + Hash, V, S: BuildHasher + Default> Default for Map<K, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> fmt::Debug for Map<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}
