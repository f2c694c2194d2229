use std::borrow::Borrow;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::num::NonZeroU64;
use std::time::Duration;

use crossbeam_utils::CachePadded;
use parking_lot::{Mutex, MutexGuard};

use super::entries::Entries;
use super::local_map::LocalMap;
use super::{cores, power_of_two};
use crate::TimedOut;

/// A map that many threads accumulate into and that is read seldom, or at the end: a histogram, an index, sums per key.
///
/// Its keys are spread over shards, each a hash table under a mutex of its own, in cache lines of its own. There are two
/// ways in:
/// - [`update`](Map::update) locks the key's shard for one update. What others read is always up to date.
/// - [`local`](Map::local) accumulates in a table that only this thread sees, and merges it in when it is flushed or
///   dropped: no lock per update. What others read lags behind.
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
/// # What is exact when
/// `update` is atomic per key. A read has all updates of the key that were done before it. What runs over all keys
/// ([`snapshot`](Map::snapshot), [`for_each`](Map::for_each), [`len`](Map::len)) goes shard by shard: it is exact for each
/// shard, and not one moment of the whole map while others update it. [`into_map`](Map::into_map) is exact, handles
/// included: they borrow the map, so the compiler accepts it only after the last of them is gone.
///
/// # Panics and closures
/// Closures that you pass in, the key's `Eq` and the value's `Default` run under the lock of one shard: keep them short.
/// They must not use the same map, since that might be the same shard, and a lock that waits for itself never ends. A key
/// may use the map in its `Drop`: keys are dropped after unlocking. A value that a closure drops is dropped under the
/// lock. If one of them panics, the panic goes on to the caller, the
/// shard is unlocked, and the map remains usable; the value is as the closure left it. There is no poisoning.
///
/// # Hashing
/// The hasher is std's by default, which withstands keys chosen by an attacker and is not fast. For keys that you make
/// yourself give it a faster one ([`with_hasher`](Map::with_hasher)).
pub struct Map<K, V, S = RandomState> {
    pub(super) shards: Box<[Shard<K, V>]>,
    pub(super) hasher: S,
}

/// So many that threads seldom meet in a shard unless they want the same key, and that the frequent keys have the first
/// place of one: on two cores and 4,096 keys, 512 shards save an eighth of the time that 128 take.
const SHARDS_PER_CORE: usize = 256;
/// They take 128 bytes each, empty: 128 KiB.
const DEFAULT_MOST: usize = 1_024;

/// A bit of the hash that neither the tables use (the low ones and the highest seven) nor anybody misses.
const NOT_ZERO: NonZeroU64 = NonZeroU64::new(1 << 40).unwrap();

pub(super) type Shard<K, V> = CachePadded<Mutex<Entries<K, V>>>;

impl<K: Eq + Hash, V> Map<K, V> {
    /// An empty map with std's hasher and 256 shards per core, at most 1,024. Empty they take 128 bytes each: a map
    /// is meant to live for long and to be few of.
    pub fn new() -> Self {
        Self::with_hasher(RandomState::new())
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Map<K, V, S> {
    /// An empty map with a hasher of your choice and 256 shards per core, at most 1,024.
    pub fn with_hasher(hasher: S) -> Self {
        let shards = cores().saturating_mul(SHARDS_PER_CORE).min(DEFAULT_MOST);
        Self::with_shards_and_hasher(shards, hasher)
    }

    /// An empty map with that many shards, rounded up to a power of two between 1 and 65,536.
    pub fn with_shards_and_hasher(shards: usize, hasher: S) -> Self {
        Self {
            shards: (0..power_of_two(shards))
                .map(|_| CachePadded::new(Mutex::new(Entries::new())))
                .collect(),
            hasher,
        }
    }

    /// Runs `f` on the value of the key, which is `V::default()` first if there is none.
    ///
    /// It waits for the shard as long as others work on it: see [`update_timeout`](Map::update_timeout).
    ///
    /// ```
    /// let totals = effective_locks::sharded::Map::new();
    /// totals.update("a", |total: &mut u32| *total += 2);
    /// totals.update("a", |total| *total += 3);
    /// assert_eq!(totals.get("a"), Some(5));
    /// ```
    ///
    /// # Panics
    /// When `f` does, or the key or the value in its `Hash`, `Eq`, `Default`.
    #[inline]
    pub fn update<R>(&self, key: K, f: impl FnOnce(&mut V) -> R) -> R
    where
        V: Default,
    {
        let hash = self.hash(&key);
        // Declared first, so that a key which is not needed is dropped when the shard is unlocked.
        let mut key = Some(key);
        let mut entries = self.lock(hash);
        f(entries.value(hash, &mut key, V::default))
    }

    /// The same, but gives up when the shard cannot be locked in time. Then `f` has not run.
    ///
    /// # Errors
    /// [`TimedOut`].
    ///
    /// # Panics
    /// As [`update`](Map::update) does.
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

    /// Takes the value of the key out.
    ///
    /// # Panics
    /// When the key does in its `Hash` or `Eq`.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hash(key);
        let removed = self.lock(hash).remove(hash, key);
        // The key is dropped here, when the shard is unlocked.
        removed.map(|(_, value)| value)
    }

    /// The same, but gives up when the shard cannot be locked in time. Then nothing is taken.
    ///
    /// # Errors
    /// [`TimedOut`].
    ///
    /// # Panics
    /// As [`remove`](Map::remove) does.
    pub fn remove_timeout<Q>(&self, key: &Q, timeout: Duration) -> Result<Option<V>, TimedOut>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hash(key);
        let removed = self.lock_timeout(hash, timeout)?.remove(hash, key);
        Ok(removed.map(|(_, value)| value))
    }

    /// Gives back the memory of keys that were removed, shard by shard.
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

    /// A handle that accumulates by itself, without a lock, and merges into this map when it is flushed or dropped.
    ///
    /// `merge` gets the value of the map and the one that this handle accumulated for the same key. A key that the map
    /// does not have is moved in as it is.
    ///
    /// ```
    /// use effective_locks::sharded::Map;
    ///
    /// // The largest value per key.
    /// let peaks = Map::new();
    /// let mut mine = peaks.local(|peak: &mut u32, mine| *peak = mine.max(*peak));
    /// for (sensor, value) in [("north", 3), ("south", 5), ("north", 9)] {
    ///     mine.update(sensor, |peak| *peak = value.max(*peak));
    /// }
    /// assert_eq!(peaks.get("north"), None);
    /// mine.flush();
    /// assert_eq!(peaks.get("north"), Some(9));
    /// ```
    pub fn local<M>(&self, merge: M) -> LocalMap<'_, K, V, S, M>
    where
        M: FnMut(&mut V, V),
    {
        LocalMap::new(self, merge)
    }

    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> NonZeroU64 {
        NOT_ZERO | self.hasher.hash_one(key)
    }

    #[inline]
    fn shard(&self, hash: NonZeroU64) -> &Shard<K, V> {
        &self.shards[self.place(hash)]
    }

    /// The tables use the low and the highest bits of the hash. The multiplication (Knuth, *The Art of Computer
    /// Programming*, 6.4, by the golden ratio) makes others of all of them, so that a weak hash fills all shards too.
    #[inline]
    pub(super) fn place(&self, hash: NonZeroU64) -> usize {
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
