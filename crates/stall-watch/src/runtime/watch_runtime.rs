//! The public methods that watch a tokio runtime, and the guard that they return.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, RuntimeFlavor};

use super::hooks::WorkerHooks;
use super::registry::WatchedRuntime;
use super::thread_token::ThreadToken;
use crate::shared::Shared;
use crate::watch::StallWatch;

/// The `event_interval` that [`StallWatch::configure`] sets.
const EVENT_INTERVAL: u32 = 8;

/// Watches a runtime until it is dropped; see [`StallWatch::runtime`].
#[must_use = "the runtime is watched until this is dropped"]
pub struct RuntimeWatch {
    shared: Arc<Shared>,
    runtime: Arc<WatchedRuntime>,
}

impl Drop for RuntimeWatch {
    fn drop(&mut self) {
        self.shared.runtimes.unwatch(&self.runtime);
    }
}

impl fmt::Debug for RuntimeWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeWatch")
            .field("runtime", &self.runtime.handle.id())
            .finish_non_exhaustive()
    }
}

impl StallWatch {
    /// Configures the builder of a runtime so that the threads of its workers are known.
    ///
    /// It sets four things, each of which a builder has once, so that the last call counts: the
    /// hooks `on_thread_start`, `on_thread_park` and `on_thread_unpark`, see [`WorkerHooks`], and
    /// `event_interval` to 8, see [`runtime`](Self::runtime). Hooks of your own would replace these
    /// or be replaced: call [`worker_hooks`](Self::worker_hooks) in them instead.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_stall_watch::StallWatch;
    ///
    /// let watch = StallWatch::new(Duration::from_millis(100)).unwrap();
    /// let runtime = watch
    ///     .configure(&mut tokio::runtime::Builder::new_current_thread())
    ///     .build()
    ///     .unwrap();
    /// runtime.block_on(async {
    ///     let _watched = watch.runtime(tokio::runtime::Handle::current());
    ///     tokio::task::yield_now().await;
    /// });
    /// watch.assert_none();
    /// ```
    pub fn configure<'b>(&self, builder: &'b mut Builder) -> &'b mut Builder {
        let hooks = self.worker_hooks();
        let (start, park, unpark) = (hooks.clone(), hooks.clone(), hooks);
        builder
            .on_thread_start(move || start.on_start())
            .on_thread_park(move || park.on_park())
            .on_thread_unpark(move || unpark.on_unpark())
            .event_interval(EVENT_INTERVAL)
    }

    /// Returns the hooks that [`configure`](Self::configure) sets, to be called from your own
    /// hooks.
    pub fn worker_hooks(&self) -> WorkerHooks {
        WorkerHooks::new(Arc::clone(&self.shared))
    }

    /// Watches all workers of a runtime, whether their tasks are wrapped or not, until the returned
    /// guard is dropped.
    ///
    /// A worker is blocked if it is not parked and its `worker_total_busy_duration` has not changed
    /// for the threshold. Tokio updates that metric once in `event_interval` ticks of the worker,
    /// where a tick runs one task, or up to four that wake each other. So **the threshold must be
    /// longer than `event_interval` normal polls**, say 8 times the longest: with tokio's default
    /// of 61, a busy worker looks the same as a blocked one. A worker whose tasks are wrapped shows
    /// progress with each poll and does not depend on this.
    ///
    /// A report about an unwrapped task names its thread and, with the feature `backtrace`, the
    /// location. The thread of a worker is known if the runtime was built with
    /// [`configure`](Self::configure), if a wrapped task was polled there, or if the worker has run
    /// other tasks after one that blocked it. Otherwise the report has only the worker's index; so
    /// it has if a worker is blocked before it was idle for the first time, while threads of
    /// `spawn_blocking` may be mistaken for it.
    ///
    /// A **current-thread** runtime only runs inside `block_on`: call this inside it, and drop the
    /// guard there too, as happens with a local variable of the future. On a multi-thread runtime
    /// the future of `block_on` runs on no worker: wrap it.
    pub fn runtime(&self, handle: Handle) -> RuntimeWatch {
        let driver = (handle.runtime_flavor() == RuntimeFlavor::CurrentThread)
            .then(ThreadToken::of_current_thread);
        let runtime = Arc::new(WatchedRuntime { handle, driver });
        self.shared.runtimes.watch(&runtime);
        self.shared.wake_if_dozing();
        RuntimeWatch {
            shared: Arc::clone(&self.shared),
            runtime,
        }
    }
}
