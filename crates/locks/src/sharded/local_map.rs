//! [`LocalMap`], the part of a sharded map that one thread accumulates without locking.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::iter;
use std::mem;
use std::thread;
use std::time::{Duration, Instant};

use crate::panic::{TaskPanic, catch};
use crate::sharded::entries::{Entries, Item, Loose};
use crate::sharded::map::Map;
use crate::timed_out::TimedOut;

impl<K: Eq + Hash, V, S: BuildHasher> Map<K, V, S> {
    /// A handle that accumulates separately, without a lock, and merges into this map when it is
    /// flushed or dropped.
    ///
    /// `merge` gets the value of the map and the one that this handle accumulated for the same key.
    /// A key that the map does not have is moved in as it is.
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
        LocalMap {
            map: self,
            entries: Entries::new(),
            merge,
        }
    }
}

/// The part of a [`Map`] that one thread accumulates: see [`Map::local`].
///
/// Dropping it flushes it, even during a panic, unless it is [discarded](LocalMap::discard).
/// Forgetting it (`mem::forget`) loses the pending values.
#[must_use = "dropping it flushes it"]
pub struct LocalMap<'a, K: Eq + Hash, V, S: BuildHasher, M: FnMut(&mut V, V)> {
    map: &'a Map<K, V, S>,
    entries: Entries<K, V>,
    merge: M,
}

impl<K: Eq + Hash, V, S: BuildHasher, M: FnMut(&mut V, V)> LocalMap<'_, K, V, S, M> {
    /// Runs `f` on the pending value of the key, or on a new `V::default()` if there is none. It
    /// takes no lock.
    ///
    /// # Panics
    /// If `f` does, or the key or the value in its `Hash`, `Eq` or `Default`.
    #[inline]
    pub fn update<R>(&mut self, key: K, f: impl FnOnce(&mut V) -> R) -> R
    where
        V: Default,
    {
        let hash = self.map.hash(&key);
        f(self
            .entries
            .value_in_table(hash, &mut Some(key), V::default))
    }

    /// The number of pending keys, which are not yet merged into the map.
    pub fn pending(&self) -> usize {
        self.entries.len()
    }

    /// Merges all pending values into the map. It locks each shard once, for all of its keys.
    ///
    /// # Panics
    /// If `merge` does, or the key in its `Eq`. The value being merged is lost; all others are
    /// merged before the panic resumes.
    pub fn flush(&mut self) {
        // Without a timeout it does not time out.
        let (_, panic) = self.merge_all(None);
        panic.resume();
    }

    /// [`flush`](LocalMap::flush) that waits for locks for at most `timeout` in total.
    ///
    /// # Errors
    /// [`TimedOut`]. Values that were not merged are still pending. Dropping the handle merges them
    /// without a timeout; [`discard`](LocalMap::discard) does not.
    ///
    /// # Panics
    /// As for [`flush`](LocalMap::flush).
    pub fn flush_timeout(&mut self, timeout: Duration) -> Result<(), TimedOut> {
        let (result, panic) = self.merge_all(Some(timeout));
        panic.resume();
        result
    }

    /// Drops the pending values without merging them.
    pub fn discard(mut self) {
        drop(mem::replace(&mut self.entries, Entries::new()));
    }

    fn merge_all(&mut self, timeout: Option<Duration>) -> (Result<(), TimedOut>, FirstPanic) {
        // Grouped by shard, so that each is locked once. This sorts only the distinct keys.
        let mut items: Vec<(usize, Item<K, V>)> = self
            .entries
            .drain()
            .map(|item| (self.map.shard_index(item.hash), item))
            .collect();
        items.sort_unstable_by_key(|&(shard, _)| shard);
        let mut items = items.into_iter().peekable();
        let (mut panic, mut left) = (FirstPanic(None), timeout);
        let mut keys = Vec::new();
        while let Some(&(index, _)) = items.peek() {
            let shard = &self.map.shards[index];
            // Declared before the lock and so dropped after unlocking, even by a panic.
            let mut current = None;
            let start = Instant::now();
            let entries = match left {
                None => Some(shard.lock()),
                Some(left) => shard.try_lock_for(left),
            };
            let Some(mut entries) = entries else {
                items.for_each(|(_, item)| self.entries.put_back(item));
                return (Err(TimedOut::shard(timeout.unwrap_or_default())), panic);
            };
            left = left.map(|left| left.saturating_sub(start.elapsed()));
            let share = iter::from_fn(|| items.next_if(|&(next, _)| next == index));
            // A panic ends this iteration and unlocks; the next one continues with the other items.
            panic.catch(|| {
                for (_, item) in share {
                    let item = current.insert(Loose::new(item));
                    entries.merge(item, &mut self.merge);
                    if mem::needs_drop::<K>() {
                        keys.extend(item.key.take());
                    }
                }
            });
            drop(entries);
            panic.catch(|| drop(current));
            // One by one: a second panic while the others are dropped would abort the process.
            for key in keys.drain(..) {
                panic.catch(|| drop(key));
            }
        }
        (Ok(()), panic)
    }
}

/// The first of several panics. The others are discarded.
struct FirstPanic(Option<TaskPanic>);

impl FirstPanic {
    fn catch(&mut self, work: impl FnOnce()) {
        if let Err(panic) = catch(work) {
            self.0.get_or_insert(panic);
        }
    }

    /// Discards the panic if this thread is panicking, where a second one would abort the process.
    fn resume(self) {
        if let Some(panic) = self.0
            && !thread::panicking()
        {
            panic.resume_unwind();
        }
    }
}

impl<K: Eq + Hash, V, S: BuildHasher, M: FnMut(&mut V, V)> Drop for LocalMap<'_, K, V, S, M> {
    fn drop(&mut self) {
        self.flush();
    }
}

impl<K: Eq + Hash, V, S: BuildHasher, M: FnMut(&mut V, V)> fmt::Debug for LocalMap<'_, K, V, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalMap")
            .field("pending", &self.pending())
            .finish_non_exhaustive()
    }
}
