//! The second path through an unbounded queue, for many items at once under one lock.
//!
//! A channel takes items one by one. Chunks are cheaper to move under a lock, so they go to the
//! bulk store. The order of the queue is preserved as follows:
//!
//! - The bulk store is *open* from the first chunk until it is empty again. While it is open,
//!   single items go there too.
//! - A consumer takes from the channel first, and from the bulk store only if it has found the
//!   channel empty *under the lock of the bulk store*.
//!
//! Take items `a` and then `b` of one producer. If both take the same path, they are in order. If
//! `a` went to the channel and `b` to the bulk store, `a` was in the channel before the lock that
//! stored `b` was released. The consumer of `b` holds the lock after that and found the channel
//! empty, so `a` had been taken. If `a` went to the bulk store and `b` to the channel, the bulk
//! store was closed in between, so `a` had been taken. So no consumer gets `b` before `a` is taken.

use std::collections::VecDeque;

use crossbeam_utils::CachePadded;

use super::shrink::shrink_deque;
use crate::sync::{AtomicBool, Mutex, Ordering, lock, sequenced};

pub(super) struct BulkStore<T> {
    /// Written under the lock, read without it.
    open: CachePadded<AtomicBool>,
    items: Mutex<VecDeque<T>>,
}

impl<T> BulkStore<T> {
    pub(super) fn new() -> Self {
        Self {
            open: CachePadded::new(AtomicBool::new(false)),
            items: Mutex::new(VecDeque::new()),
        }
    }

    /// Stores an item if the store is open, and hands it back otherwise.
    #[inline]
    pub(super) fn push_if_open(&self, item: T) -> Result<(), T> {
        if self.is_open() {
            self.push(item)
        } else {
            Err(item)
        }
    }

    #[cold]
    fn push(&self, item: T) -> Result<(), T> {
        let mut items = lock(&self.items);
        // It may have been emptied since.
        if items.is_empty() {
            return Err(item);
        }
        items.push_back(item);
        sequenced();
        Ok(())
    }

    /// Stores a whole chunk, which opens the store.
    pub(super) fn push_all(&self, chunk: &mut VecDeque<T>) {
        if chunk.is_empty() {
            return;
        }
        let mut items = lock(&self.items);
        items.append(chunk);
        self.open.store(true, Ordering::SeqCst);
        sequenced();
    }

    /// Takes the next item. `single` takes one from the channel.
    #[inline]
    pub(super) fn pop(&self, single: impl FnOnce() -> Option<T>) -> Option<T> {
        if self.is_open() {
            self.pop_open(single)
        } else {
            None
        }
    }

    #[cold]
    fn pop_open(&self, single: impl FnOnce() -> Option<T>) -> Option<T> {
        let mut items = lock(&self.items);
        single().or_else(|| {
            let first = items.pop_front();
            self.close_if_empty(&mut items);
            first
        })
    }

    /// Fills `batch` up to `max` items. `singles` takes from the channel.
    pub(super) fn pop_batch(
        &self,
        max: usize,
        batch: &mut Vec<T>,
        singles: impl Iterator<Item = T>,
    ) {
        if self.is_open() {
            let mut items = lock(&self.items);
            batch.extend(singles.take(max - batch.len()));
            let taken = items.len().min(max - batch.len());
            batch.extend(items.drain(..taken));
            self.close_if_empty(&mut items);
        }
    }

    pub(super) fn len(&self) -> usize {
        if self.is_open() {
            lock(&self.items).len()
        } else {
            0
        }
    }

    #[inline]
    fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    /// Closes the store if `items`, its content after a take, is empty.
    fn close_if_empty(&self, items: &mut VecDeque<T>) {
        if items.is_empty() {
            self.open.store(false, Ordering::SeqCst);
        }
        shrink_deque(items);
    }
}
