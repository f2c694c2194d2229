use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::iter;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::{Duration, Instant};

use super::Map;
use super::entries::{Entries, Item, Loose};
use crate::TimedOut;

/// One thread's own part of a [`Map`]: made by [`Map::local`].
///
/// Dropping it flushes it, also in a panic: what was accumulated was accepted. [`discard`](LocalMap::discard) throws it
/// away instead. Forgetting it (`mem::forget`) loses it.
#[must_use = "it accumulates until it is dropped"]
pub struct LocalMap<'a, K: Eq + Hash, V, S: BuildHasher, M: FnMut(&mut V, V)> {
    map: &'a Map<K, V, S>,
    entries: Entries<K, V>,
    merge: M,
}

impl<'a, K: Eq + Hash, V, S: BuildHasher, M: FnMut(&mut V, V)> LocalMap<'a, K, V, S, M> {
    pub(super) fn new(map: &'a Map<K, V, S>, merge: M) -> Self {
        Self {
            map,
            entries: Entries::new(),
            merge,
        }
    }

    /// Runs `f` on this handle's own value of the key, which is `V::default()` first if there is none. No lock is taken.
    ///
    /// # Panics
    /// When `f` does, or the key or the value in its `Hash`, `Eq`, `Default`.
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

    /// How many keys are pending: not yet merged into the map.
    pub fn pending(&self) -> usize {
        self.entries.len()
    }

    /// Merges all that is pending into the map. Each shard is locked once, for its share.
    ///
    /// # Panics
    /// When `merge` does, or the key in its `Eq`. The value that was being merged is lost then; all others are merged
    /// before the panic goes on.
    pub fn flush(&mut self) {
        // Without a timeout it does not time out.
        let (_, panics) = self.merge_all(None);
        panics.go_on();
    }

    /// The same, but gives up when it has waited for shards longer than that in all. What was not merged is pending still,
    /// and dropping the handle waits for it: [`discard`](LocalMap::discard) does not.
    ///
    /// # Errors
    /// [`TimedOut`].
    ///
    /// # Panics
    /// As [`flush`](LocalMap::flush) does.
    pub fn flush_timeout(&mut self, timeout: Duration) -> Result<(), TimedOut> {
        let (result, panics) = self.merge_all(Some(timeout));
        panics.go_on();
        result
    }

    /// Throws away what is pending.
    pub fn discard(mut self) {
        drop(mem::replace(&mut self.entries, Entries::new()));
    }

    fn merge_all(&mut self, timeout: Option<Duration>) -> (Result<(), TimedOut>, Panics) {
        // Grouped by shard, so that each is locked once. The sort is of the distinct keys only.
        let mut items: Vec<(usize, Item<K, V>)> = self
            .entries
            .drain()
            .map(|item| (self.map.place(item.hash), item))
            .collect();
        items.sort_unstable_by_key(|&(place, _)| place);
        let mut items = items.into_iter().peekable();
        let (mut panics, mut left) = (Panics(None), timeout);
        let mut keys = Vec::new();
        while let Some(&(place, _)) = items.peek() {
            let shard = &self.map.shards[place];
            // Declared first, so that it outlives the lock, also with a panic: what is left of it is the user's.
            let mut under_way = None;
            let begun = Instant::now();
            let entries = match left {
                None => Some(shard.lock()),
                Some(left) => shard.try_lock_for(left),
            };
            let Some(mut entries) = entries else {
                items.for_each(|(_, item)| self.entries.put_back(item));
                return (Err(TimedOut::shard(timeout.unwrap_or_default())), panics);
            };
            left = left.map(|left| left.saturating_sub(begun.elapsed()));
            let share = iter::from_fn(|| items.next_if(|&(next, _)| next == place));
            // A panic ends this turn, and unlocks; the next one goes on with what is left.
            panics.catch(|| {
                for (_, item) in share {
                    let item = under_way.insert(Loose::new(item));
                    entries.merge(item, &mut self.merge);
                    if mem::needs_drop::<K>() {
                        keys.extend(item.key.take());
                    }
                }
            });
            drop(entries);
            panics.catch(|| drop(under_way));
            for key in keys.drain(..) {
                panics.catch(|| drop(key));
            }
        }
        (Ok(()), panics)
    }
}

/// The first panic of several.
struct Panics(Option<Box<dyn Any + Send>>);

impl Panics {
    fn catch(&mut self, work: impl FnOnce()) {
        if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(work))
            && let Some(another) = self.0.replace(payload)
            && let Some(later) = self.0.replace(another)
        {
            // Forgotten rather than dropped, since its `Drop` could panic.
            mem::forget(later);
        }
    }

    fn go_on(self) {
        match self.0 {
            None => {}
            // A second panic would abort the process. The first one tells that things went wrong.
            Some(payload) if thread::panicking() => mem::forget(payload),
            Some(payload) => panic::resume_unwind(payload),
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
