//! All that this crate asks of the runtime: spawn a task, abort it.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

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
                "`{caller}` needs a tokio runtime and none is entered here: \
                 call it from code under `#[tokio::main]` or `Runtime::block_on`"
            ),
        }
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Task {
        Task(self.0.spawn(future))
    }
}

/// A spawned task. Dropping this detaches the task.
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    /// Asks the runtime to drop the task's future at its next await.
    pub(crate) fn abort(&self) {
        self.0.abort();
    }
}
