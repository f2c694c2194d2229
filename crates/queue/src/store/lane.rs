//! The second way through an unbounded queue: for many items at once, under one lock.
//!
//! A channel takes items one by one. What comes by the hundred is cheaper to move under a lock, so it goes by the lane. The
//! order of the queue is kept like this:
//!
//! - The lane is *open* from the first chunk on until it is empty again. While it is open, single items take it too.
//! - Whoever pops takes from the channel first, and from the lane only when it has found the channel empty *under the lock
//!   of the lane*.
//!
//! Take one producer's items `a`, then `b`. If both go the same way, they are in order. If `a` went by the channel and `b`
//! by the lane, `a` was in the channel before the lock was released that let `b` in; who takes `b` has the lock after that,
//! and found the channel empty, so `a` was gone. If `a` went by the lane and `b` by the channel, the lane was closed in
//! between, so `a` was gone too. So no consumer gets `b` before `a` was taken.

use std::collections::VecDeque;

use crossbeam_utils::CachePadded;

use super::give_back_front;
use crate::sync::{AtomicBool, Mutex, Ordering, lock, sequenced};

pub(super) struct Lane<T> {
    /// Written under the lock, read without.
    open: CachePadded<AtomicBool>,
    items: Mutex<VecDeque<T>>,
}

impl<T> Lane<T> {
    pub(super) fn new() -> Self {
        Self {
            open: CachePadded::new(AtomicBool::new(false)),
            items: Mutex::new(VecDeque::new()),
        }
    }

    /// Stores an item if the lane is open, and hands it back otherwise.
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
        // It may have been emptied meanwhile.
        if items.is_empty() {
            return Err(item);
        }
        items.push_back(item);
        sequenced();
        Ok(())
    }

    /// Stores all of them, which opens the lane.
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

    /// `items` is what is under the lock, after some were taken.
    fn close_if_empty(&self, items: &mut VecDeque<T>) {
        if items.is_empty() {
            self.open.store(false, Ordering::SeqCst);
        }
        give_back_front(items);
    }
}
