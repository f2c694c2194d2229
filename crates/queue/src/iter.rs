//! Iterators over a queue.

use std::fmt;
use std::sync::Arc;

use crate::item::Item;
use crate::queue::Queue;

impl<T> Queue<T> {
    /// The items as they come: blocks for each, and ends when the queue is closed and empty.
    ///
    /// An item is done when its guard is dropped: in `for item in queue.iter()`, at the end of each
    /// iteration.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { queue: self }
    }

    /// The items that are there: never blocks, and ends when the queue is empty.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { queue: self }
    }
}

/// The items of a queue as they come: [`Queue::iter`].
#[must_use = "iterators are lazy"]
pub struct Iter<'q, T> {
    queue: &'q Queue<T>,
}

impl<'q, T> Iterator for Iter<'q, T> {
    type Item = Item<'q, T>;

    #[inline]
    fn next(&mut self) -> Option<Item<'q, T>> {
        self.queue.get().ok()
    }
}

/// The items that are there: [`Queue::try_iter`].
#[must_use = "iterators are lazy"]
pub struct TryIter<'q, T> {
    queue: &'q Queue<T>,
}

impl<'q, T> Iterator for TryIter<'q, T> {
    type Item = Item<'q, T>;

    #[inline]
    fn next(&mut self) -> Option<Item<'q, T>> {
        self.queue.try_get().ok()
    }
}

/// The items of a queue as they come, each with a guard that borrows nothing and can be sent to
/// another thread.
///
/// ```
/// let queue = effective_queue::Queue::unbounded();
/// queue.put_all([1, 2])?;
/// queue.close();
/// let mut items = queue.clone().into_iter();
/// let item = items.next().expect("there are two");
/// std::thread::spawn(move || assert_eq!(*item, 1)).join().expect("no panic");
/// assert_eq!(queue.unfinished(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "iterators are lazy"]
pub struct IntoIter<T> {
    queue: Queue<T>,
}

impl<T: 'static> Iterator for IntoIter<T> {
    type Item = Item<'static, T>;

    fn next(&mut self) -> Option<Item<'static, T>> {
        let value = self.queue.take_until(None)?.ok()?;
        Some(Item::shared(value, Arc::clone(&self.queue.shared)))
    }
}

impl<T: 'static> IntoIterator for Queue<T> {
    type Item = Item<'static, T>;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { queue: self }
    }
}

impl<'q, T> IntoIterator for &'q Queue<T> {
    type Item = Item<'q, T>;
    type IntoIter = Iter<'q, T>;

    fn into_iter(self) -> Iter<'q, T> {
        self.iter()
    }
}

macro_rules! debug {
    ($($name:ident $(<$life:lifetime>)?),*) => {$(
        impl<T> fmt::Debug for $name<$($life,)? T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

debug!(Iter<'_>, TryIter<'_>, IntoIter);
