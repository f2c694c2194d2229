//! Waiting until everything is done.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::error::JoinTimeoutError;
use crate::queue::Queue;
use crate::shared::Shared;
use crate::waiters::{Wait, block_on};

impl<T> Queue<T> {
    /// Blocks until all items that were put are done: got, and their guards dropped. Returns at once when there are none.
    ///
    /// What is put meanwhile is waited for too. Whoever holds an item and joins, waits for itself: use
    /// [`join_timeout`](Self::join_timeout) where that could be.
    pub fn join(&self) {
        self.join_until(None);
    }

    /// As [`join`](Self::join), for at most `timeout`.
    ///
    /// # Errors
    /// [`JoinTimeoutError`] when the time ran out. A later join can still succeed.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let queue = effective_queue::Queue::unbounded();
    /// queue.put("left lying")?;
    /// let late = queue.join_timeout(Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(late.unfinished(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), JoinTimeoutError> {
        let joined = self.join_until(Instant::now().checked_add(timeout));
        let unfinished = self.unfinished();
        if joined || unfinished == 0 {
            Ok(())
        } else {
            Err(JoinTimeoutError { unfinished })
        }
    }

    fn join_until(&self, deadline: Option<Instant>) -> bool {
        let mut wait = Wait::new(&self.shared.joiners);
        block_on(deadline, |waker| poll_join(&self.shared, &mut wait, waker)).is_some()
    }

    /// Waits until all items are done, from asynchronous code, on any runtime. The future may be dropped at any time.
    pub fn join_async(&self) -> Join<'_, T> {
        Join {
            shared: &self.shared,
            wait: Wait::new(&self.shared.joiners),
        }
    }
}

fn poll_join<T>(shared: &Shared<T>, wait: &mut Wait<'_>, waker: &Waker) -> Poll<()> {
    wait.poll(waker, || (shared.counts.unfinished() == 0).then_some(()))
}

/// The future of [`Queue::join_async`].
#[must_use = "futures do nothing unless polled"]
pub struct Join<'q, T> {
    shared: &'q Shared<T>,
    wait: Wait<'q>,
}

impl<T> Future for Join<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = self.shared;
        poll_join(shared, &mut self.wait, context.waker())
    }
}

impl<T> fmt::Debug for Join<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").finish_non_exhaustive()
    }
}
