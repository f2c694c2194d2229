//! Several items taken at once.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::vec;

use crate::item::Pending;
use crate::shared::Shared;

/// Several items taken at once, in order. Dropping the batch marks all of them done, also on a
/// panic.
///
/// It is a slice, and can be iterated by value. Dropping that iterator drops the remaining items
/// and marks the batch done.
///
/// ```
/// use std::num::NonZeroUsize;
///
/// let queue = effective_queue::Queue::unbounded();
/// queue.put_all(1..=5)?;
/// let batch = queue.get_batch(NonZeroUsize::new(3).expect("not zero"))?;
/// assert_eq!(*batch, [1, 2, 3]);
/// assert_eq!(batch.into_iter().sum::<i32>(), 6);
/// assert_eq!(queue.unfinished(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a batch that is dropped is done"]
pub struct Batch<'q, T> {
    // Order matters: fields are dropped from top to bottom, even if the first drop panics.
    items: Vec<T>,
    pending: Pending<'q, T>,
}

impl<'q, T> Batch<'q, T> {
    pub(crate) fn new(items: Vec<T>, shared: &'q Shared<T>) -> Self {
        let pending = Pending::new(shared, items.len());
        Self { items, pending }
    }

    /// Marks the batch done and returns its items.
    pub fn into_inner(self) -> Vec<T> {
        self.items
    }
}

impl<T> Deref for Batch<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> DerefMut for Batch<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.items
    }
}

impl<T: fmt::Debug> fmt::Debug for Batch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Batch").field(&self.items).finish()
    }
}

impl<'q, T> IntoIterator for Batch<'q, T> {
    type Item = T;
    type IntoIter = BatchIter<'q, T>;

    fn into_iter(self) -> BatchIter<'q, T> {
        BatchIter {
            items: self.items.into_iter(),
            _pending: self.pending,
        }
    }
}

/// The items of a [`Batch`], by value. Dropping this marks all items of the batch done.
#[must_use = "iterators are lazy, and a batch that is dropped is done"]
pub struct BatchIter<'q, T> {
    // In drop order.
    items: vec::IntoIter<T>,
    _pending: Pending<'q, T>,
}

impl<T> Iterator for BatchIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<T> ExactSizeIterator for BatchIter<'_, T> {}

impl<T> fmt::Debug for BatchIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchIter")
            .field("left", &self.items.len())
            .finish_non_exhaustive()
    }
}
