use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::error::TryPutError;
use crate::shared::{Refused, Shared};

/// An item that was got. It is marked done when this is dropped, in a panic too.
///
/// It cannot be marked done twice, and it cannot be forgotten on an early return: the two mistakes that Python's
/// `task_done` invites. The item itself is dropped first, then it is done.
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
/// Done is done: what ends the guard takes it.
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
    // The order matters: dropped from top to bottom, even when the first one panics.
    value: T,
    pending: Pending<'q, T>,
}

/// Items that have to be marked done: when this is dropped.
pub(crate) struct Pending<'q, T> {
    home: Home<'q, T>,
    items: usize,
}

enum Home<'q, T> {
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

    /// The item itself, which is marked done now.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Puts the item back, at the end of the queue, for somebody else to get. It stays unfinished all the while.
    ///
    /// It never blocks: consumers that wait for room that only consumers make would wait for ever.
    ///
    /// # Errors
    /// [`TryPutError::Full`] and [`TryPutError::Closed`], each with this item, which is not done yet.
    pub fn requeue(self) -> Result<(), TryPutError<Self>> {
        let Self { value, pending } = self;
        match pending.shared().try_put(value) {
            // The new one is counted before the old one is marked done, by `pending`.
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
                home: Home::Shared(shared),
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
            home: Home::Borrowed(shared),
            items,
        }
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared<T> {
        match &self.home {
            Home::Borrowed(shared) => shared,
            Home::Shared(shared) => shared,
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
