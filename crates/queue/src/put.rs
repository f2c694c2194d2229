//! Putting: on a thread and in a task.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::contained::contained;
use crate::error::{PutAllError, PutError, PutTimeoutError, TryPutError};
use crate::queue::Queue;
use crate::shared::{Over, Refused, Shared};
use crate::waiters::{Wait, block_on, has_passed, spin};

/// How many items of a `put_all` are put at once.
const CHUNK: usize = 256;

impl<T> Queue<T> {
    /// Puts an item. Blocks while the queue is full.
    ///
    /// # Errors
    /// [`PutError`], with the item, when the queue is closed, or gets closed while this waits.
    #[inline]
    pub fn put(&self, item: T) -> Result<(), PutError<T>> {
        match self.shared.try_put(item) {
            Ok(()) => Ok(()),
            Err(Refused::Closed(item)) => Err(PutError(item)),
            // Without a deadline there is no other error.
            Err(Refused::Full(item)) => {
                put_waiting(&self.shared, item, None).map_err(|error| PutError(error.into_item()))
            }
        }
    }

    /// Puts an item if there is room now. Never blocks.
    ///
    /// # Errors
    /// [`TryPutError`], with the item, when the queue is full or closed.
    #[inline]
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        self.shared.try_put(item).map_err(|refused| match refused {
            Refused::Full(item) => TryPutError::Full(item),
            Refused::Closed(item) => TryPutError::Closed(item),
        })
    }

    /// As [`put`](Self::put), for at most `timeout`.
    ///
    /// # Errors
    /// [`PutTimeoutError`], with the item, when the time ran out or the queue is closed.
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), PutTimeoutError<T>> {
        self.put_until(item, Instant::now().checked_add(timeout))
    }

    /// As [`put`](Self::put), until `deadline` at the latest.
    ///
    /// # Errors
    /// [`PutTimeoutError`], with the item, when the time ran out or the queue is closed.
    pub fn put_deadline(&self, item: T, deadline: Instant) -> Result<(), PutTimeoutError<T>> {
        self.put_until(item, Some(deadline))
    }

    /// Without a deadline it waits as long as it takes: so does one that is too far away to be told.
    fn put_until(&self, item: T, deadline: Option<Instant>) -> Result<(), PutTimeoutError<T>> {
        match self.shared.try_put(item) {
            Ok(()) => Ok(()),
            Err(Refused::Closed(item)) => Err(PutTimeoutError::Closed(item)),
            Err(Refused::Full(item)) => put_waiting(&self.shared, item, deadline),
        }
    }

    /// Puts all items, in order, and says how many. Blocks while the queue is full.
    ///
    /// They are taken from the iterator in chunks of up to 256, and a chunk costs little more than a single put. An iterator
    /// that waits for its items holds back what it has yielded of a chunk: there, [`put`](Self::put) them one by one. If it
    /// panics, that part of a chunk is dropped, and the chunks before it are put. Other producers may put between chunks,
    /// and in a bounded queue between any two items.
    ///
    /// # Errors
    /// [`PutAllError`] when the queue is closed, or gets closed meanwhile, with those that it refused. To keep the rest of
    /// the iterator too, pass `iterator.by_ref()`.
    ///
    /// ```
    /// let queue = effective_queue::Queue::unbounded();
    /// assert_eq!(queue.put_all(["a", "b", "c"]), Ok(3));
    /// queue.close();
    /// assert_eq!(queue.put_all(["d", "e"]).unwrap_err().into_items(), ["d", "e"]);
    /// ```
    pub fn put_all(&self, items: impl IntoIterator<Item = T>) -> Result<usize, PutAllError<T>> {
        let mut accepted = 0;
        // A source may have something again after its end, such as a terminal. It is not asked again.
        let mut items = items.into_iter().fuse();
        loop {
            let mut chunk = Chunk(VecDeque::new());
            chunk.0.extend(items.by_ref().take(CHUNK));
            if chunk.0.is_empty() {
                return Ok(accepted);
            }
            let wanted = chunk.0.len();
            let put = self.put_chunk(&mut chunk.0);
            accepted += wanted - chunk.0.len();
            if put.is_err() {
                let items = mem::take(&mut chunk.0).into();
                return Err(PutAllError { accepted, items });
            }
        }
    }

    /// Puts a chunk; what is left in it was refused.
    fn put_chunk(&self, chunk: &mut VecDeque<T>) -> Result<(), Over> {
        loop {
            self.shared.try_put_batch(chunk)?;
            if chunk.is_empty() {
                return Ok(());
            }
            // Full. For a short while it waits for room for many, which are cheaper together; then for room for one.
            let _ = spin(|| self.shared.store.is_half_empty().then_some(()));
            let Some(item) = chunk.pop_front() else {
                return Ok(());
            };
            if let Err(error) = self.put(item) {
                chunk.push_front(error.into_item());
                return Err(Over);
            }
        }
    }

    /// Puts an item from asynchronous code, on any runtime, alongside threads that block.
    ///
    /// The future may be dropped at any time: then the item has either been put, and the future has said so, or it is dropped
    /// with the future. No wake-up is lost by that.
    ///
    /// # Errors
    /// [`PutError`], with the item, when the queue is closed, or gets closed while this waits.
    pub fn put_async(&self, item: T) -> Put<'_, T> {
        Put {
            shared: &self.shared,
            wait: Wait::new(&self.shared.putters),
            item: Some(item),
        }
    }
}

/// What `put_all` has taken from an iterator and not put yet. When the iterator panics, it is dropped item by item: a
/// second panic would abort the process.
struct Chunk<T>(VecDeque<T>);

impl<T> Drop for Chunk<T> {
    fn drop(&mut self) {
        for item in self.0.drain(..) {
            contained(|| drop(item));
        }
    }
}

/// The queue was full.
#[cold]
fn put_waiting<T>(
    shared: &Shared<T>,
    item: T,
    deadline: Option<Instant>,
) -> Result<(), PutTimeoutError<T>> {
    if has_passed(deadline) {
        return Err(PutTimeoutError::TimedOut(item));
    }
    let mut item = Some(item);
    if let Some(result) = spin(|| put_if_room(shared, &mut item)) {
        return result.map_err(PutTimeoutError::Closed);
    }
    let mut wait = Wait::new(&shared.putters);
    match block_on(deadline, |waker| {
        poll_put(shared, &mut wait, waker, &mut item)
    }) {
        Some(result) => result.map_err(PutTimeoutError::Closed),
        None => Err(PutTimeoutError::TimedOut(
            item.take().expect("the item is here while it is not put"),
        )),
    }
}

fn poll_put<T>(
    shared: &Shared<T>,
    wait: &mut Wait<'_>,
    waker: &Waker,
    item: &mut Option<T>,
) -> Poll<Result<(), T>> {
    wait.poll(waker, || put_if_room(shared, item))
}

/// Puts the item if there is room; `None`, with the item where it was, if there is none.
fn put_if_room<T>(shared: &Shared<T>, slot: &mut Option<T>) -> Option<Result<(), T>> {
    if shared.store.is_full() && !shared.counts.is_closed() {
        return None;
    }
    match shared.try_put(slot.take()?) {
        Ok(()) => Some(Ok(())),
        Err(Refused::Closed(item)) => Some(Err(item)),
        Err(Refused::Full(item)) => {
            *slot = Some(item);
            None
        }
    }
}

/// The future of [`Queue::put_async`].
#[must_use = "futures do nothing unless polled"]
pub struct Put<'q, T> {
    shared: &'q Shared<T>,
    wait: Wait<'q>,
    item: Option<T>,
}

// Nothing in it is ever pinned.
impl<T> Unpin for Put<'_, T> {}

impl<T> Future for Put<'_, T> {
    type Output = Result<(), PutError<T>>;

    /// # Panics
    /// When polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        assert!(
            this.item.is_some(),
            "a future was polled after it was ready"
        );
        poll_put(this.shared, &mut this.wait, context.waker(), &mut this.item).map_err(PutError)
    }
}

impl<T> fmt::Debug for Put<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put").finish_non_exhaustive()
    }
}
