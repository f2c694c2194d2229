//! The reading methods of [`Map`]: one key, or all keys shard by shard.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::time::{Duration, Instant};

use crate::sharded::map::Map;
use crate::timed_out::TimedOut;

impl<K: Eq + Hash, V, S: BuildHasher> Map<K, V, S> {
    /// Runs `f` on the value of the key, if there is one.
    ///
    /// # Panics
    /// If `f` does, or the key in its `Hash` or `Eq`.
    pub fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hash(key);
        self.lock(hash).find(hash, key).map(f)
    }

    /// [`read`](Map::read) that waits for the lock of the shard for at most `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`]. Then `f` has not run.
    ///
    /// # Panics
    /// As for [`read`](Map::read).
    pub fn read_timeout<Q, R>(
        &self,
        key: &Q,
        timeout: Duration,
        f: impl FnOnce(&V) -> R,
    ) -> Result<Option<R>, TimedOut>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hash(key);
        Ok(self.lock_timeout(hash, timeout)?.find(hash, key).map(f))
    }

    /// A clone of the value of the key: [`read`](Map::read) with `V::clone`.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
        V: Clone,
    {
        self.read(key, V::clone)
    }

    /// The number of keys. To count with a timeout, use
    /// [`for_each_timeout`](Map::for_each_timeout).
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether the map has no keys.
    pub fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.lock().len() == 0)
    }

    /// Runs `f` on each key and value, in no particular order. It locks one shard at a time.
    ///
    /// # Panics
    /// If `f` does.
    pub fn for_each(&self, mut f: impl FnMut(&K, &V)) {
        for shard in &self.shards {
            shard.lock().iter().for_each(|(key, value)| f(key, value));
        }
    }

    /// [`for_each`](Map::for_each) that waits for locks for at most `timeout` in total.
    ///
    /// # Errors
    /// [`TimedOut`]. Then `f` has run on the keys of some shards.
    ///
    /// # Panics
    /// If `f` does.
    pub fn for_each_timeout(
        &self,
        timeout: Duration,
        mut f: impl FnMut(&K, &V),
    ) -> Result<(), TimedOut> {
        let mut left = timeout;
        for shard in &self.shards {
            let start = Instant::now();
            let entries = shard
                .try_lock_for(left)
                .ok_or_else(|| TimedOut::shard(timeout))?;
            // Only waiting counts, not the time of `f`.
            left = left.saturating_sub(start.elapsed());
            entries.iter().for_each(|(key, value)| f(key, value));
        }
        Ok(())
    }

    /// A copy of all keys and values. It locks one shard at a time.
    pub fn snapshot(&self) -> HashMap<K, V, S>
    where
        K: Clone,
        V: Clone,
        S: Clone,
    {
        let mut copy = HashMap::with_hasher(self.hasher.clone());
        self.for_each(copier(&mut copy, &mut None));
        copy
    }

    /// [`snapshot`](Map::snapshot) that waits for locks for at most `timeout` in total.
    ///
    /// # Errors
    /// [`TimedOut`].
    pub fn snapshot_timeout(&self, timeout: Duration) -> Result<HashMap<K, V, S>, TimedOut>
    where
        K: Clone,
        V: Clone,
        S: Clone,
    {
        let mut copy = HashMap::with_hasher(self.hasher.clone());
        self.for_each_timeout(timeout, copier(&mut copy, &mut None))?;
        Ok(copy)
    }

    /// All keys and values as an ordinary map with the same hasher, without locking.
    pub fn into_map(self) -> HashMap<K, V, S> {
        let mut map = HashMap::with_hasher(self.hasher);
        for shard in self.shards {
            let items = shard.into_inner().into_inner().into_items();
            map.extend(items.map(|item| (item.key, item.value)));
        }
        map
    }
}

/// Copies pairs. If cloning a value panics, the key stays in `slot` and is dropped after unlocking,
/// since its destructor may use the map.
fn copier<'a, K, V, S>(
    copy: &'a mut HashMap<K, V, S>,
    slot: &'a mut Option<K>,
) -> impl FnMut(&K, &V) + 'a
where
    K: Clone + Eq + Hash,
    V: Clone,
    S: BuildHasher,
{
    move |key, value| {
        *slot = Some(key.clone());
        let value = value.clone();
        copy.extend(slot.take().map(|key| (key, value)));
    }
}
