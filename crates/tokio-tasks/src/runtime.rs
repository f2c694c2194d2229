//! The runtime, tokio: everything that this crate asks of it. The other files do not name it.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::task::coop::unconstrained;

/// The runtime that tasks are spawned on.
pub(crate) struct Runtime(Handle);

impl Runtime {
    /// The runtime of the calling code.
    ///
    /// # Panics
    /// Outside a runtime, with a message that says what to do.
    #[track_caller]
    pub(crate) fn current(caller: &str) -> Self {
        match Handle::try_current() {
            Ok(handle) => Self(handle),
            Err(_) => panic!(
                "`effective_tokio_tasks::{caller}` needs a tokio runtime, and there is none here: \
                 call it from code under `#[tokio::main]` or `Runtime::block_on`"
            ),
        }
    }

    pub(crate) fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Task(self.0.spawn(future))
    }
}

/// A spawned task, whose future does not panic. Dropping this detaches the task.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T> Task<T> {
    /// Asks the runtime to drop the future of the task at its next await.
    pub(crate) fn abort(self) {
        self.0.abort();
    }

    /// Waits for the end. `None` if the runtime dropped the future before.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // Unconstrained, because callers have a budget of their own, and tokio's may never be
        // renewed: it is not in `futures::executor::block_on` inside a task.
        pin!(unconstrained(&mut self.0)).poll(cx).map(Result::ok)
    }
}

/// The time on the runtime's clock, which `tokio::time::pause` stops.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Ends after `duration`.
///
/// # Panics
/// Outside a runtime, and in one without a timer.
#[track_caller]
pub(crate) fn sleep(caller: &str, duration: Duration) -> impl Future<Output = ()> + use<> {
    // Only for its panic message: tokio's own does not name the call.
    Runtime::current(caller);
    // Unconstrained, because the clock must be read even if the future beside the timer has used
    // up tokio's budget for this poll.
    unconstrained(tokio::time::sleep(duration))
}
