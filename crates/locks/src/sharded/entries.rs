//! [`Entries`], the hash table of a shard. The caller computes the hash, once per operation, since
//! it selects the shard as well.

use std::borrow::Borrow;
use std::num::NonZeroU64;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// An entry with its hash. So a growing table calls no code of the caller, which could panic, and
/// items of a local handle are merged without another hash. The hash is not zero, so that an
/// `Option` of an item is no larger.
pub(super) struct Item<K, V> {
    pub(super) hash: NonZeroU64,
    pub(super) key: K,
    pub(super) value: V,
}

/// The first key is stored beside the lock: in skewed work it is likely to be a frequent one, and
/// an update then moves one cache line between cores instead of three. With a key and a value of a
/// word each, the lock, the first item and the head of the table fill a cache line of 64 bytes, in
/// this order.
#[repr(C)]
pub(super) struct Entries<K, V> {
    first: Option<Item<K, V>>,
    rest: HashTable<Item<K, V>>,
}

impl<K: Eq, V> Entries<K, V> {
    pub(super) const fn new() -> Self {
        Self {
            first: None,
            rest: HashTable::new(),
        }
    }

    /// Whether the first slot belongs to the key: it holds the key, or there is no key at all.
    #[inline]
    fn is_first<Q>(&self, hash: NonZeroU64, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        match &self.first {
            Some(item) => item.hash == hash && item.key.borrow() == key,
            None => self.rest.is_empty(),
        }
    }

    /// The value of the key, made by `make` if there is none.
    ///
    /// The key is taken only if it is stored, even if this panics: the caller drops it after
    /// unlocking, since its destructor may use the map.
    #[inline]
    pub(super) fn value(
        &mut self,
        hash: NonZeroU64,
        key: &mut Option<K>,
        make: impl FnOnce() -> V,
    ) -> &mut V {
        if self.is_first(hash, present(key)) {
            let item = self.first.get_or_insert_with(|| {
                let value = make();
                let key = taken(key);
                Item { hash, key, value }
            });
            &mut item.value
        } else {
            self.value_in_table(hash, key, make)
        }
    }

    /// [`value`](Self::value) for the entries of a local handle, which need no first slot: it stays
    /// empty and is not checked.
    #[inline]
    pub(super) fn value_in_table(
        &mut self,
        hash: NonZeroU64,
        key: &mut Option<K>,
        make: impl FnOnce() -> V,
    ) -> &mut V {
        let wanted = present(key);
        let entry = self.rest.entry(
            hash.get(),
            |item| item.key == *wanted,
            |item| item.hash.get(),
        );
        let item = match entry {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let value = make();
                let key = taken(key);
                entry.insert(Item { hash, key, value }).into_mut()
            }
        };
        &mut item.value
    }

    /// Puts back a drained item that was made by [`value_in_table`](Self::value_in_table).
    pub(super) fn put_back(&mut self, item: Item<K, V>) {
        self.rest
            .insert_unique(item.hash.get(), item, |item| item.hash.get());
    }

    /// Passes the value to `merge` if the key has one already, and stores both otherwise. The parts
    /// that are not used, perhaps because of a panic, stay in `item`: see [`value`](Self::value).
    pub(super) fn merge(&mut self, item: &mut Loose<K, V>, merge: impl FnOnce(&mut V, V)) {
        let hash = item.hash;
        let key = present(&item.key);
        if self.is_first(hash, key) {
            match &mut self.first {
                Some(first) => merge(&mut first.value, taken(&mut item.value)),
                vacant => *vacant = Some(item.take()),
            }
            return;
        }
        let entry = self
            .rest
            .entry(hash.get(), |old| old.key == *key, |old| old.hash.get());
        match entry {
            Entry::Occupied(mut entry) => {
                merge(&mut entry.get_mut().value, taken(&mut item.value));
            }
            Entry::Vacant(entry) => {
                entry.insert(item.take());
            }
        }
    }

    #[inline]
    pub(super) fn find<Q>(&self, hash: NonZeroU64, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let item = if self.is_first(hash, key) {
            self.first.as_ref()
        } else {
            self.rest.find(hash.get(), |item| item.key.borrow() == key)
        };
        item.map(|item| &item.value)
    }

    pub(super) fn remove<Q>(&mut self, hash: NonZeroU64, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let item = if self.is_first(hash, key) {
            self.first.take()
        } else {
            let found = self
                .rest
                .find_entry(hash.get(), |item| item.key.borrow() == key);
            found.ok().map(|entry| entry.remove().0)
        };
        item.map(|item| (item.key, item.value))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let items = self.first.iter().chain(self.rest.iter());
        items.map(|item| (&item.key, &item.value))
    }

    /// Frees the memory that the table does not need.
    pub(super) fn shrink_to_fit(&mut self) {
        self.rest.shrink_to_fit(|item| item.hash.get());
    }

    pub(super) fn len(&self) -> usize {
        self.first.iter().len() + self.rest.len()
    }

    /// Removes all items. The table keeps its memory.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Item<K, V>> {
        self.first.take().into_iter().chain(self.rest.drain())
    }

    pub(super) fn into_items(self) -> impl Iterator<Item = Item<K, V>> {
        self.first.into_iter().chain(self.rest)
    }
}

/// An item whose parts can be taken separately.
pub(super) struct Loose<K, V> {
    hash: NonZeroU64,
    pub(super) key: Option<K>,
    value: Option<V>,
}

impl<K, V> Loose<K, V> {
    pub(super) fn new(item: Item<K, V>) -> Self {
        Self {
            hash: item.hash,
            key: Some(item.key),
            value: Some(item.value),
        }
    }

    fn take(&mut self) -> Item<K, V> {
        Item {
            hash: self.hash,
            key: taken(&mut self.key),
            value: taken(&mut self.value),
        }
    }
}

#[inline]
fn present<T>(slot: &Option<T>) -> &T {
    slot.as_ref().expect("taken only at the end")
}

#[inline]
fn taken<T>(slot: &mut Option<T>) -> T {
    slot.take().expect("it is taken once")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_of_words_fills_one_cache_line() {
        assert_eq!(size_of::<Option<Item<u64, u64>>>(), 24);
        assert_eq!(size_of::<parking_lot::Mutex<Entries<u64, u64>>>(), 64);
    }
}
