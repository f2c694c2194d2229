use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::shared::Shared;
use crate::store::{Fifo, Lifo, Priority, Store};

/// A queue for any number of producers and consumers, which can be joined and closed.
///
/// It is a handle: clones are the same queue. See the [crate documentation](crate) for when to use it, and what it costs.
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
///         queue.put(number).expect("nobody has closed it");
///     }
///     queue.join();
///     queue.close();
/// });
/// ```
pub struct Queue<T> {
    pub(crate) shared: Arc<Shared<T>>,
}

impl<T> Queue<T> {
    /// First in, first out, with no bound: a put never waits, and memory is the limit.
    pub fn unbounded() -> Self {
        Self::with(Store::Fifo(Fifo::new(None)))
    }

    /// First in, first out, with room for `capacity` items: a put waits for room.
    ///
    /// The memory for all of them is taken now, unless it is more than 256 MiB: then it is taken as items come, and an
    /// item costs a little more.
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

    /// Last in, first out, with room for `capacity` items, or without a bound.
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

    /// The greatest first, with room for `capacity` items, or without a bound. Of equal ones, the one that was put first.
    ///
    /// For the least first, as in Python, put [`Reverse`](std::cmp::Reverse) around.
    ///
    /// # Panics
    /// Not here, but in a get, if comparing two items panics. No item is lost by that, and the next gets go on: an item
    /// whose comparison has panicked twice is set aside, and got when there are no others.
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

    /// How many items can be got at this moment. Others may change that before you look at the answer.
    pub fn len(&self) -> usize {
        self.shared.store.len()
    }

    /// Whether there is nothing to get at this moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items there is room for; `None` for no bound.
    pub fn capacity(&self) -> Option<usize> {
        self.shared.store.capacity()
    }

    /// How many items were put and are not done: those in the queue, and those that consumers hold.
    ///
    /// While others put and get it is an estimate, except that 0 is never said unless it was so.
    pub fn unfinished(&self) -> u64 {
        self.shared.counts.unfinished()
    }

    /// Whether the queue takes no more items. There may be some left to get.
    pub fn is_closed(&self) -> bool {
        self.shared.counts.is_closed()
    }

    /// Closes the queue: from now on each put fails, and so does each that waits for room. What is in the queue can still be
    /// got; then each get fails, and so does each that waits for an item.
    ///
    /// A put that runs at the same time either succeeds, and its item is got before the gets fail, or hands the item back.
    /// Says whether the queue was open.
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

    /// Closes the queue at once: as [`close`](Self::close), and hands back what nobody had got, which counts as done.
    ///
    /// Items that consumers hold stay theirs; [`join`](Self::join) still waits for those. The items come in the order in
    /// which they were put; those of a priority queue in no order.
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
