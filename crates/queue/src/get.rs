//! Getting items: from threads and tasks, one by one and in batches.

use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::batch::Batch;
use crate::error::{GetError, GetTimeoutError, TryGetError};
use crate::item::Item;
use crate::queue::Queue;
use crate::shared::{Closed, Shared};
use crate::waiters::park::{block_on, has_passed, spin};
use crate::waiters::wait::Wait;

impl<T> Queue<T> {
    /// Takes an item. Blocks while the queue is empty.
    ///
    /// # Errors
    /// [`GetError`] if the queue is closed and empty, or becomes so while this waits.
    #[inline]
    pub fn get(&self) -> Result<Item<'_, T>, GetError> {
        match self.take_until(None) {
            Some(Ok(value)) => Ok(Item::new(value, &self.shared)),
            Some(Err(Closed)) | None => Err(GetError),
        }
    }

    /// Takes an item if there is one now. Never blocks.
    ///
    /// # Errors
    /// [`TryGetError`] if the queue is empty, or closed and empty.
    #[inline]
    pub fn try_get(&self) -> Result<Item<'_, T>, TryGetError> {
        match self.shared.take_or_closed() {
            Some(Ok(value)) => Ok(Item::new(value, &self.shared)),
            Some(Err(Closed)) => Err(TryGetError::Closed),
            None => Err(TryGetError::Empty),
        }
    }

    /// Like [`get`](Self::get), for at most `timeout`. With [`Duration::ZERO`] it costs as little
    /// as [`try_get`](Self::try_get).
    ///
    /// # Errors
    /// [`GetTimeoutError`] if the time runs out, or the queue is closed and empty.
    pub fn get_timeout(&self, timeout: Duration) -> Result<Item<'_, T>, GetTimeoutError> {
        if timeout.is_zero() {
            return self.try_get().map_err(without_time);
        }
        self.get_until(Instant::now().checked_add(timeout))
    }

    /// Like [`get`](Self::get), until `deadline` at the latest.
    ///
    /// # Errors
    /// [`GetTimeoutError`] if the time runs out, or the queue is closed and empty.
    pub fn get_deadline(&self, deadline: Instant) -> Result<Item<'_, T>, GetTimeoutError> {
        self.get_until(Some(deadline))
    }

    /// Without a deadline it waits without limit; so it does if the deadline is beyond the range of
    /// the clock.
    fn get_until(&self, deadline: Option<Instant>) -> Result<Item<'_, T>, GetTimeoutError> {
        match self.take_until(deadline) {
            Some(Ok(value)) => Ok(Item::new(value, &self.shared)),
            Some(Err(Closed)) => Err(GetTimeoutError::Closed),
            None => Err(GetTimeoutError::TimedOut),
        }
    }

    #[inline]
    pub(crate) fn take_until(&self, deadline: Option<Instant>) -> Option<Result<T, Closed>> {
        match self.shared.try_take() {
            Some(value) => Some(Ok(value)),
            None => wait_until(&self.shared, deadline, || self.shared.take_or_closed()),
        }
    }

    /// Takes up to `max` items at once: blocks until there is one, and takes the others that are
    /// there.
    ///
    /// # Errors
    /// [`GetError`] if the queue is closed and empty, or becomes so while this waits.
    pub fn get_batch(&self, max: NonZeroUsize) -> Result<Batch<'_, T>, GetError> {
        match self.take_batch_until(max, None) {
            Some(Ok(items)) => Ok(Batch::new(items, &self.shared)),
            Some(Err(Closed)) | None => Err(GetError),
        }
    }

    /// Takes up to `max` items at once if there is at least one now. Never blocks.
    ///
    /// # Errors
    /// [`TryGetError`] if the queue is empty, or closed and empty.
    pub fn try_get_batch(&self, max: NonZeroUsize) -> Result<Batch<'_, T>, TryGetError> {
        match self.shared.take_batch_or_closed(max) {
            Some(Ok(items)) => Ok(Batch::new(items, &self.shared)),
            Some(Err(Closed)) => Err(TryGetError::Closed),
            None => Err(TryGetError::Empty),
        }
    }

    /// Like [`get_batch`](Self::get_batch), for at most `timeout`.
    ///
    /// # Errors
    /// [`GetTimeoutError`] if the time runs out, or the queue is closed and empty.
    pub fn get_batch_timeout(
        &self,
        max: NonZeroUsize,
        timeout: Duration,
    ) -> Result<Batch<'_, T>, GetTimeoutError> {
        if timeout.is_zero() {
            return self.try_get_batch(max).map_err(without_time);
        }
        match self.take_batch_until(max, Instant::now().checked_add(timeout)) {
            Some(Ok(items)) => Ok(Batch::new(items, &self.shared)),
            Some(Err(Closed)) => Err(GetTimeoutError::Closed),
            None => Err(GetTimeoutError::TimedOut),
        }
    }

    fn take_batch_until(
        &self,
        max: NonZeroUsize,
        deadline: Option<Instant>,
    ) -> Option<Result<Vec<T>, Closed>> {
        match self.shared.try_take_batch(max) {
            Some(items) => Some(Ok(items)),
            None => wait_until(&self.shared, deadline, || {
                self.shared.take_batch_or_closed(max)
            }),
        }
    }

    /// Takes an item from async code, on any runtime, alongside blocking threads.
    ///
    /// The future can be dropped at any time. Until it is ready it holds no item, and a wake-up
    /// that it received is passed on to the next waiter, so nothing is lost.
    ///
    /// # Errors
    /// [`GetError`] if the queue is closed and empty, or becomes so while this waits.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let queue = effective_queue::Queue::unbounded();
    /// queue.put_async("hello").await?;
    /// assert_eq!(*queue.get_async().await?, "hello");
    /// queue.join_async().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn get_async(&self) -> Get<'_, T> {
        Get {
            shared: &self.shared,
            wait: Wait::new(&self.shared.getters),
            ready: false,
        }
    }

    /// The async form of [`get_batch`](Self::get_batch); cancellation is as for
    /// [`get_async`](Self::get_async).
    ///
    /// # Errors
    /// [`GetError`] if the queue is closed and empty, or becomes so while this waits.
    pub fn get_batch_async(&self, max: NonZeroUsize) -> GetBatch<'_, T> {
        GetBatch {
            shared: &self.shared,
            wait: Wait::new(&self.shared.getters),
            max,
            ready: false,
        }
    }
}

/// The error of a call whose timeout is zero. It never reads the clock, which costs more than the
/// look into the queue.
fn without_time(error: TryGetError) -> GetTimeoutError {
    match error {
        TryGetError::Empty => GetTimeoutError::TimedOut,
        TryGetError::Closed => GetTimeoutError::Closed,
    }
}

/// The slow path: there was no item.
#[cold]
fn wait_until<T, R>(
    shared: &Shared<T>,
    deadline: Option<Instant>,
    mut take: impl FnMut() -> Option<R>,
) -> Option<R> {
    if has_passed(deadline) {
        // The queue may be closed, or an item may have come.
        return take();
    }
    spin(&mut take).or_else(|| {
        let mut wait = Wait::new(&shared.getters);
        block_on(deadline, |waker| wait.poll(waker, &mut take))
    })
}

/// The future of [`Queue::get_async`].
#[must_use = "futures do nothing unless polled"]
pub struct Get<'q, T> {
    shared: &'q Shared<T>,
    wait: Wait<'q>,
    ready: bool,
}

impl<'q, T> Future for Get<'q, T> {
    type Output = Result<Item<'q, T>, GetError>;

    /// # Panics
    /// If polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.ready, "a future was polled after it was ready");
        let shared = self.shared;
        let taken = self.wait.poll(context.waker(), || shared.take_or_closed());
        self.ready = taken.is_ready();
        taken.map(|taken| match taken {
            Ok(value) => Ok(Item::new(value, shared)),
            Err(Closed) => Err(GetError),
        })
    }
}

impl<T> fmt::Debug for Get<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Get").finish_non_exhaustive()
    }
}

/// The future of [`Queue::get_batch_async`].
#[must_use = "futures do nothing unless polled"]
pub struct GetBatch<'q, T> {
    shared: &'q Shared<T>,
    wait: Wait<'q>,
    max: NonZeroUsize,
    ready: bool,
}

impl<'q, T> Future for GetBatch<'q, T> {
    type Output = Result<Batch<'q, T>, GetError>;

    /// # Panics
    /// If polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.ready, "a future was polled after it was ready");
        let (shared, max) = (self.shared, self.max);
        let taken = self
            .wait
            .poll(context.waker(), || shared.take_batch_or_closed(max));
        self.ready = taken.is_ready();
        taken.map(|taken| match taken {
            Ok(items) => Ok(Batch::new(items, shared)),
            Err(Closed) => Err(GetError),
        })
    }
}

impl<T> fmt::Debug for GetBatch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetBatch")
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}
