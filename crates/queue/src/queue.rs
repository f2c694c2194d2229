//! The queue: constructors, state and closing.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::shared::Shared;
use crate::store::Store;
use crate::store::fifo::Fifo;
use crate::store::lifo::Lifo;
use crate::store::priority::Priority;

/// A queue for any number of producers and consumers, which can be joined and closed.
///
/// It is a handle: clones refer to the same queue. See the [crate documentation](crate) for its use
/// and costs.
///
/// ```
/// use std::thread;
///
/// use effective_queue::Queue;
///
/// let queue = Queue::unbounded();
/// thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| {
///             for item in &queue {
///                 assert!(*item < 100);
///                 // Done when `item` is dropped.
///             }
///         });
///     }
///     for number in 0..100 {
///         queue.put(number).expect("the queue is open");
///     }
///     queue.join();
///     queue.close();
/// });
/// ```
pub struct Queue<T> {
    pub(crate) shared: Arc<Shared<T>>,
}

impl<T> Queue<T> {
    /// A FIFO queue without a bound: a put never waits.
    pub fn unbounded() -> Self {
        Self::with(Store::Fifo(Fifo::new(None)))
    }

    /// A FIFO queue with room for `capacity` items: a put waits for room.
    ///
    /// Memory for all of them is allocated now, unless it exceeds 256 MiB: then it grows with the
    /// items, and each costs a little more.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    ///
    /// use effective_queue::{Queue, TryPutError};
    ///
    /// let queue = Queue::bounded(NonZeroUsize::MIN);
    /// queue.put('a')?;
    /// assert_eq!(queue.try_put('b'), Err(TryPutError::Full('b')));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bounded(capacity: NonZeroUsize) -> Self {
        Self::with(Store::Fifo(Fifo::new(Some(capacity))))
    }

    /// A LIFO queue with room for `capacity` items, or without a bound.
    ///
    /// ```
    /// let queue = effective_queue::Queue::lifo(None);
    /// queue.put_all(["first", "last"])?;
    /// assert_eq!(*queue.get()?, "last");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lifo(capacity: Option<NonZeroUsize>) -> Self
    where
        T: Send + 'static,
    {
        Self::with(Store::Other(Box::new(Lifo::new(capacity))))
    }

    /// A priority queue, greatest item first, with room for `capacity` items, or without a bound.
    /// Of equal items, the first one put comes first.
    ///
    /// For the least first, as in Python, wrap the items in [`Reverse`](std::cmp::Reverse).
    ///
    /// # Panics
    /// A get panics, not this call, if comparing two items panics. No item is lost, and the next
    /// gets work: an item whose comparison has panicked twice is set aside until there are no
    /// others.
    ///
    /// ```
    /// use std::cmp::Reverse;
    ///
    /// let queue = effective_queue::Queue::priority(None);
    /// queue.put_all([Reverse((2, "later")), Reverse((1, "now"))])?;
    /// assert_eq!(queue.get()?.0, (1, "now"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn priority(capacity: Option<NonZeroUsize>) -> Self
    where
        T: Ord + Send + 'static,
    {
        Self::with(Store::Other(Box::new(Priority::new(capacity))))
    }

    fn with(store: Store<T>) -> Self {
        Self {
            shared: Arc::new(Shared::new(store)),
        }
    }

    /// The number of items that can be taken at this moment. Other threads may change it at once.
    pub fn len(&self) -> usize {
        self.shared.store.len()
    }

    /// Whether there is no item to take at this moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of items there is room for; `None` if unbounded.
    pub fn capacity(&self) -> Option<usize> {
        self.shared.store.capacity()
    }

    /// The number of items that were put and are not done: those in the queue, and those that
    /// consumers hold.
    ///
    /// An estimate while other threads put and get, but never a false 0.
    pub fn unfinished(&self) -> u64 {
        self.shared.counts.unfinished()
    }

    /// Whether the queue accepts no more items. It may still hold some.
    pub fn is_closed(&self) -> bool {
        self.shared.counts.is_closed()
    }

    /// Closes the queue: from now on every put fails, including those that wait for room. Items in
    /// the queue can still be taken; then every get fails, including those that wait.
    ///
    /// A put that races with this either succeeds, and its item can be taken before the gets fail,
    /// or hands its item back. Returns whether the queue was open.
    ///
    /// ```
    /// use effective_queue::{GetError, Queue};
    ///
    /// let queue = Queue::unbounded();
    /// queue.put(1)?;
    /// assert!(queue.close());
    /// assert_eq!(queue.put(2).unwrap_err().into_item(), 2);
    /// assert_eq!(*queue.get()?, 1);
    /// assert_eq!(queue.get().unwrap_err(), GetError);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) -> bool {
        self.shared.close()
    }

    /// Closes the queue like [`close`](Self::close), and returns the items in it, which count as
    /// done.
    ///
    /// Consumers keep the items they hold, and [`join`](Self::join) still waits for those. The
    /// items come in the order in which they were put; those of a priority queue in no order.
    ///
    /// ```
    /// let queue = effective_queue::Queue::unbounded();
    /// queue.put_all(["a", "b"])?;
    /// assert_eq!(queue.close_now(), ["a", "b"]);
    /// queue.join();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close_now(&self) -> Vec<T> {
        self.shared.close();
        self.shared.take_rest()
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("unfinished", &self.unfinished())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
