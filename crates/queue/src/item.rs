//! An item taken from a queue, as a guard.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::error::TryPutError;
use crate::shared::{Refused, Shared};

/// An item taken from a queue. Dropping it marks it done, also on a panic.
///
/// It cannot be marked done twice, and an early return cannot forget it: the two mistakes that
/// Python's `task_done` invites. The value is dropped first, then it is done.
///
/// ```
/// let queue = effective_queue::Queue::unbounded();
/// queue.put(vec![1, 2, 3])?;
/// let item = queue.get()?;
/// assert_eq!(item.len(), 3);
/// assert_eq!(queue.unfinished(), 1);
/// drop(item);
/// assert_eq!(queue.unfinished(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Every method that ends the guard takes it by value:
///
/// ```compile_fail,E0382
/// let queue = effective_queue::Queue::unbounded();
/// queue.put(1).unwrap();
/// let item = queue.get().unwrap();
/// let number = item.into_inner();
/// drop(item);
/// ```
#[must_use = "an item that is dropped is done"]
pub struct Item<'q, T> {
    // Order matters: fields are dropped from top to bottom, even if the first drop panics.
    value: T,
    pending: Pending<'q, T>,
}

/// Items not done yet. Dropping this marks them done.
pub(crate) struct Pending<'q, T> {
    queue: QueueRef<'q, T>,
    items: usize,
}

enum QueueRef<'q, T> {
    Borrowed(&'q Shared<T>),
    Shared(Arc<Shared<T>>),
}

impl<'q, T> Item<'q, T> {
    #[inline]
    pub(crate) fn new(value: T, shared: &'q Shared<T>) -> Self {
        Self {
            value,
            pending: Pending::new(shared, 1),
        }
    }

    /// Marks the item done and returns its value.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Puts the item back at the end of the queue, for another get. It stays unfinished throughout.
    ///
    /// It never blocks: consumers waiting for room that only consumers can make would deadlock.
    ///
    /// # Errors
    /// [`TryPutError::Full`] or [`TryPutError::Closed`], with this item, which is still not done.
    pub fn requeue(self) -> Result<(), TryPutError<Self>> {
        let Self { value, pending } = self;
        match pending.shared().try_put(value) {
            // Counted before the drop of `pending` marks the old one done.
            Ok(()) => Ok(()),
            Err(Refused::Full(value)) => Err(TryPutError::Full(Self { value, pending })),
            Err(Refused::Closed(value)) => Err(TryPutError::Closed(Self { value, pending })),
        }
    }
}

impl<T> Item<'static, T> {
    pub(crate) fn shared(value: T, shared: Arc<Shared<T>>) -> Self {
        Self {
            value,
            pending: Pending {
                queue: QueueRef::Shared(shared),
                items: 1,
            },
        }
    }
}

impl<T> Deref for Item<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Item<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Item<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Item").field(&self.value).finish()
    }
}

impl<'q, T> Pending<'q, T> {
    #[inline]
    pub(crate) fn new(shared: &'q Shared<T>, items: usize) -> Self {
        Self {
            queue: QueueRef::Borrowed(shared),
            items,
        }
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared<T> {
        match &self.queue {
            QueueRef::Borrowed(shared) => shared,
            QueueRef::Shared(shared) => shared,
        }
    }
}

impl<T> Drop for Pending<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let items = mem::take(&mut self.items);
        if items > 0 {
            self.shared().mark_done(items);
        }
    }
}
