//! All that this crate asks of the runtime: spawn a task, abort it, wait for a time.
//!
//! The other files know no runtime.

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
    /// The runtime of the code that calls.
    ///
    /// # Panics
    /// Outside a runtime, with a message that says what to do.
    #[track_caller]
    pub(crate) fn current(caller: &str) -> Self {
        match Handle::try_current() {
            Ok(handle) => Self(handle),
            Err(_) => panic!(
                "`tokio_tasks::{caller}` needs a tokio runtime and none is entered here: \
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
    /// Asks the runtime to drop the task's future at its next await.
    pub(crate) fn abort(self) {
        self.0.abort();
    }

    /// Waits for the end; `None`: the runtime has dropped the future before.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // Otherwise the budget of an outer task stops this wait for good where its executor never gives way to tokio, as
        // `futures::executor::block_on` does. Callers end their turns themselves.
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
/// Outside a runtime, and in one without its timer.
#[track_caller]
pub(crate) fn sleep(caller: &str, duration: Duration) -> impl Future<Output = ()> + use<> {
    // Only for the message: tokio's own panic does not say which call was meant.
    Runtime::current(caller);
    // The clock must be read also when the future beside it has used up what tokio allows one poll to do.
    unconstrained(tokio::time::sleep(duration))
}
