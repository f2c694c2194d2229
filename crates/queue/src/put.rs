//! Putting items: from threads and tasks.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::error::{PutAllError, PutError, PutTimeoutError, TryPutError};
use crate::queue::Queue;
use crate::shared::{Closed, Refused, Shared};
use crate::waiters::park::{block_on, has_passed, spin};
use crate::waiters::wait::Wait;

/// The number of items that `put_all` puts at once.
const CHUNK: usize = 256;

impl<T> Queue<T> {
    /// Puts an item. Blocks while the queue is full.
    ///
    /// # Errors
    /// [`PutError`], with the item, if the queue is closed, or is closed while this waits.
    #[inline]
    pub fn put(&self, item: T) -> Result<(), PutError<T>> {
        match self.shared.try_put(item) {
            Ok(()) => Ok(()),
            Err(Refused::Closed(item)) => Err(PutError(item)),
            // Without a deadline, closing is the only error.
            Err(Refused::Full(item)) => {
                put_waiting(&self.shared, item, None).map_err(|error| PutError(error.into_item()))
            }
        }
    }

    /// Puts an item if there is room now. Never blocks.
    ///
    /// # Errors
    /// [`TryPutError`], with the item, if the queue is full or closed.
    #[inline]
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        self.shared.try_put(item).map_err(|refused| match refused {
            Refused::Full(item) => TryPutError::Full(item),
            Refused::Closed(item) => TryPutError::Closed(item),
        })
    }

    /// Like [`put`](Self::put), for at most `timeout`. With [`Duration::ZERO`] it costs as little
    /// as [`try_put`](Self::try_put).
    ///
    /// # Errors
    /// [`PutTimeoutError`], with the item, if the time runs out or the queue is closed.
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), PutTimeoutError<T>> {
        if timeout.is_zero() {
            return self.try_put(item).map_err(|error| match error {
                TryPutError::Full(item) => PutTimeoutError::TimedOut(item),
                TryPutError::Closed(item) => PutTimeoutError::Closed(item),
            });
        }
        self.put_until(item, Instant::now().checked_add(timeout))
    }

    /// Like [`put`](Self::put), until `deadline` at the latest.
    ///
    /// # Errors
    /// [`PutTimeoutError`], with the item, if the time runs out or the queue is closed.
    pub fn put_deadline(&self, item: T, deadline: Instant) -> Result<(), PutTimeoutError<T>> {
        self.put_until(item, Some(deadline))
    }

    /// Without a deadline it waits without limit; so it does if the deadline is beyond the range of
    /// the clock.
    fn put_until(&self, item: T, deadline: Option<Instant>) -> Result<(), PutTimeoutError<T>> {
        match self.shared.try_put(item) {
            Ok(()) => Ok(()),
            Err(Refused::Closed(item)) => Err(PutTimeoutError::Closed(item)),
            Err(Refused::Full(item)) => put_waiting(&self.shared, item, deadline),
        }
    }

    /// Puts all items, in order, and returns their number. Blocks while the queue is full.
    ///
    /// They are taken from the iterator in chunks of up to 256, and a chunk costs little more than
    /// a single put. An iterator that blocks delays the items of the chunk that it has already
    /// yielded: there, [`put`](Self::put) them one by one. If the iterator panics, that part of the
    /// chunk is dropped, and the chunks before it stay put. Other producers may put between chunks,
    /// and in a bounded queue between any two items.
    ///
    /// # Errors
    /// [`PutAllError`] if the queue is closed, or is closed meanwhile, with the refused items. To
    /// keep the rest of the iterator too, pass `iterator.by_ref()`.
    ///
    /// ```
    /// let queue = effective_queue::Queue::unbounded();
    /// assert_eq!(queue.put_all(["a", "b", "c"]), Ok(3));
    /// queue.close();
    /// assert_eq!(queue.put_all(["d", "e"]).unwrap_err().into_items(), ["d", "e"]);
    /// ```
    pub fn put_all(&self, items: impl IntoIterator<Item = T>) -> Result<usize, PutAllError<T>> {
        let mut accepted = 0;
        // Some iterators, such as a terminal, yield more items after their end. They are not asked
        // again.
        let mut items = items.into_iter().fuse();
        loop {
            let mut chunk: VecDeque<T> = items.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(accepted);
            }
            let wanted = chunk.len();
            let put = self.put_chunk(&mut chunk);
            accepted += wanted - chunk.len();
            if put.is_err() {
                let items = chunk.into();
                return Err(PutAllError { accepted, items });
            }
        }
    }

    /// Puts a chunk. The refused items stay in it.
    fn put_chunk(&self, chunk: &mut VecDeque<T>) -> Result<(), Closed> {
        loop {
            self.shared.try_put_batch(chunk)?;
            if chunk.is_empty() {
                return Ok(());
            }
            // Full. Spins for room for many items, which are cheaper together; then waits for room
            // for one.
            let _ = spin(|| self.shared.store.is_half_empty().then_some(()));
            let Some(item) = chunk.pop_front() else {
                return Ok(());
            };
            if let Err(error) = self.put(item) {
                chunk.push_front(error.into_item());
                return Err(Closed);
            }
        }
    }

    /// Puts an item from async code, on any runtime, alongside blocking threads.
    ///
    /// The future can be dropped at any time: either it has reported the item as put, or the item
    /// is dropped with it. No wake-up is lost.
    ///
    /// # Errors
    /// [`PutError`], with the item, if the queue is closed, or is closed while this waits.
    pub fn put_async(&self, item: T) -> Put<'_, T> {
        Put {
            shared: &self.shared,
            wait: Wait::new(&self.shared.putters),
            item: Some(item),
        }
    }
}

/// The slow path: the queue was full.
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
            item.take()
                .expect("an item that was not put is still in its slot"),
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

/// Puts the item if there is room; otherwise `None`, with the item still in its slot.
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

// No field is ever pinned.
impl<T> Unpin for Put<'_, T> {}

impl<T> Future for Put<'_, T> {
    type Output = Result<(), PutError<T>>;

    /// # Panics
    /// If polled again after it was ready.
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
