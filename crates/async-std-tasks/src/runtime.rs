//! All that this crate asks of the runtime: spawn a task, abort it, wait for a time.
//!
//! The other files know no runtime.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use async_std::task::JoinHandle;

use crate::panic::drop_contained;

/// The runtime that tasks are spawned on: there is one in the process, which starts when it is first used.
pub(crate) struct Runtime(());

impl Runtime {
    /// It is there wherever the code that calls may run.
    pub(crate) fn current(_caller: &str) -> Self {
        Self(())
    }

    pub(crate) fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Task(async_std::task::spawn(future))
    }
}

/// A spawned task, whose future does not panic. Dropping this detaches the task.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T> Task<T> {
    /// Asks the runtime to drop the task's future at its next await.
    pub(crate) fn abort(self) {
        // The task is cancelled by the first poll; what the polls after it would wait for is the end of the task, which
        // whoever wants to know is told by the task itself.
        let cancelled = pin!(self.0.cancel());
        let ended = cancelled.poll(&mut Context::from_waker(Waker::noop()));
        // A task that had ended before hands over its value, which nobody wants any more.
        drop_contained(ended);
    }

    /// Waits for the end. `None` would be: the runtime has dropped the future before, which this one never does.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(cx).map(Some)
    }
}

/// The time.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Ends after `duration`.
pub(crate) fn sleep(_caller: &str, duration: Duration) -> impl Future<Output = ()> + use<> {
    async_std::task::sleep(duration)
}
