//! A handle that closes the queue when its last clone is dropped.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::queue::Queue;
use crate::shared::Shared;

impl<T> Queue<T> {
    /// A producer, which derefs to the queue. Dropping the last of its clones closes the queue.
    ///
    /// So consumers end even if a producer returns early or panics. Two calls make two independent
    /// producers, and the first to go closes the queue: make one and clone it.
    ///
    /// ```
    /// use std::thread;
    ///
    /// let queue = effective_queue::Queue::unbounded();
    /// let producer = queue.producer();
    /// for number in 0..3 {
    ///     let producer = producer.clone();
    ///     thread::spawn(move || producer.put(number));
    /// }
    /// drop(producer);
    /// assert_eq!(queue.iter().map(|item| *item).sum::<i32>(), 3);
    /// ```
    #[must_use = "the queue is closed when the last producer is dropped"]
    pub fn producer(&self) -> Producer<T> {
        let queue = self.clone();
        let closer = Arc::new(Closer(Arc::clone(&self.shared)));
        Producer {
            queue,
            _closer: closer,
        }
    }
}

/// A handle to a [`Queue`] that closes it when its last clone is dropped.
pub struct Producer<T> {
    queue: Queue<T>,
    _closer: Arc<Closer<T>>,
}

struct Closer<T>(Arc<Shared<T>>);

impl<T> Drop for Closer<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T> Deref for Producer<T> {
    type Target = Queue<T>;

    fn deref(&self) -> &Queue<T> {
        &self.queue
    }
}

impl<T> Clone for Producer<T> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            _closer: Arc::clone(&self._closer),
        }
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Producer").field(&self.queue).finish()
    }
}
