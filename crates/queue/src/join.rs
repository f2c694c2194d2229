//! Joining: waiting until all items are done.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::error::TimedOut;
use crate::queue::Queue;
use crate::shared::Shared;
use crate::waiters::park::block_on;
use crate::waiters::wait::Wait;

impl<T> Queue<T> {
    /// Blocks until all items are done, that is, taken and their guards dropped. Returns at once if
    /// there are none.
    ///
    /// It also waits for items put while it waits. A thread that joins while it holds an item waits
    /// for itself: use [`join_timeout`](Self::join_timeout) where that can happen.
    pub fn join(&self) {
        self.join_until(None);
    }

    /// Like [`join`](Self::join), for at most `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`] if items are still not done. A later join can succeed.
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
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        let joined = self.join_until(Instant::now().checked_add(timeout));
        let unfinished = self.unfinished();
        if joined || unfinished == 0 {
            Ok(())
        } else {
            Err(TimedOut { unfinished })
        }
    }

    fn join_until(&self, deadline: Option<Instant>) -> bool {
        let mut wait = Wait::new(&self.shared.joiners);
        block_on(deadline, |waker| poll_join(&self.shared, &mut wait, waker)).is_some()
    }

    /// Waits until all items are done, from async code, on any runtime. The future can be dropped
    /// at any time.
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
