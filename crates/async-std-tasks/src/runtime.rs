//! The runtime, async-std: everything that this crate asks of it. The other files do not name it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use async_std::task::JoinHandle;
use pin_project_lite::pin_project;

use crate::panic::drop_quietly;

/// The runtime that tasks are spawned on: the one of the process, which starts at its first use.
pub(crate) struct Runtime(());

impl Runtime {
    /// The runtime, which exists everywhere.
    pub(crate) fn current(_caller: &str) -> Self {
        Self(())
    }

    pub(crate) fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Task(async_std::task::spawn(HoldOutput { future }))
    }
}

/// A spawned task, whose future does not panic. Dropping this detaches the task.
pub(crate) struct Task<T>(JoinHandle<Held<T>>);

pin_project! {
    /// A future whose output drops quietly.
    struct HoldOutput<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for HoldOutput<F> {
    type Output = Held<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.project().future.poll(cx);
        polled.map(|output| Held(Some(output)))
    }
}

/// The output of a task. The runtime drops that of a cancelled task, and aborts the process if that
/// panics.
struct Held<T>(Option<T>);

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        drop_quietly(self.0.take());
    }
}

impl<T> Task<T> {
    /// Asks the runtime to drop the future of the task at its next await.
    pub(crate) fn abort(self) {
        // The first poll cancels the task. Later ones would wait for its end, which the task
        // reports by itself.
        let cancelled = pin!(self.0.cancel());
        let _ = cancelled.poll(&mut Context::from_waker(Waker::noop()));
    }

    /// Waits for the end. It is never `None`, which would mean that the runtime dropped the future.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(cx).map(|mut held| held.0.take())
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
