//! Reading a [`Map`]: one key, or all of them, shard by shard.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::time::{Duration, Instant};

use super::Map;
use crate::TimedOut;

impl<K: Eq + Hash, V, S: BuildHasher> Map<K, V, S> {
    /// Runs `f` on the value of the key, if there is one.
    ///
    /// # Panics
    /// When `f` does, or the key in its `Hash` or `Eq`.
    pub fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hash(key);
        self.lock(hash).find(hash, key).map(f)
    }

    /// The same, but gives up when the shard cannot be locked in time. Then `f` has not run.
    ///
    /// # Errors
    /// [`TimedOut`].
    ///
    /// # Panics
    /// As [`read`](Map::read) does.
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

    /// How many keys there are. To count with a timeout, use [`for_each_timeout`](Map::for_each_timeout).
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.lock().len() == 0)
    }

    /// Runs `f` on each key and value, in no order. One shard at a time is locked meanwhile.
    ///
    /// # Panics
    /// When `f` does.
    pub fn for_each(&self, mut f: impl FnMut(&K, &V)) {
        for shard in &self.shards {
            shard.lock().iter().for_each(|(key, value)| f(key, value));
        }
    }

    /// The same, but gives up when it has waited for shards longer than that in all. `f` has then run on the keys of some
    /// of them.
    ///
    /// # Errors
    /// [`TimedOut`].
    ///
    /// # Panics
    /// When `f` does.
    pub fn for_each_timeout(
        &self,
        timeout: Duration,
        mut f: impl FnMut(&K, &V),
    ) -> Result<(), TimedOut> {
        let mut left = timeout;
        for shard in &self.shards {
            let begun = Instant::now();
            let entries = shard
                .try_lock_for(left)
                .ok_or_else(|| TimedOut::shard(timeout))?;
            // Only the waiting counts, not what `f` takes.
            left = left.saturating_sub(begun.elapsed());
            entries.iter().for_each(|(key, value)| f(key, value));
        }
        Ok(())
    }

    /// A copy of all keys and values. One shard at a time is locked meanwhile.
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

    /// The same, but gives up when it has waited for shards longer than that in all.
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

    /// All keys and values, as an ordinary map with the same hasher. No lock is taken: nobody else has this map any more.
    pub fn into_map(self) -> HashMap<K, V, S> {
        let mut map = HashMap::with_hasher(self.hasher);
        for shard in self.shards {
            let items = shard.into_inner().into_inner().into_items();
            map.extend(items.map(|item| (item.key, item.value)));
        }
        map
    }
}

/// Copies pairs. A key whose value cannot be cloned stays in `slot`, outside of the shard's lock: its `Drop` is code of
/// the user.
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
