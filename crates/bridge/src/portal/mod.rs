//! From a thread to coroutines: calls into a runtime, and waits that cannot deadlock unseen.
//!
//! | file | what it holds |
//! |---|---|
//! | `call.rs` | the thread's side: wait, cancel, await |
//! | `task.rs` | the loop's side: drives the coroutine |
//! | `core.rs` | what the two have in common |
//! | `context.rs` | where a thread may block |
//! | `local.rs` | a loop of our own |

mod call;
mod context;
pub(crate) mod core;
mod error;
mod local;
mod task;

pub use call::Call;
pub use error::{CallError, WouldDeadlock};
pub use local::{LocalPortal, PortalLoop};

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use call::Rules;
use core::Core;
use futures::future::BoxFuture;
use task::{End, drive};

/// How long a call waits for its coroutine's first poll, unless the user says otherwise.
const DEADLINE: Duration = Duration::from_secs(30);

/// Where threads call coroutines: a handle of a runtime that others drive.
///
/// A cheap handle. It keeps no runtime alive.
///
/// # Examples
/// ```
/// use effective_bridge::Portal;
/// use futures::executor::ThreadPool;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let executor = ThreadPool::new()?; // any other will do
/// let portal = Portal::new({
///     let executor = executor.clone();
///     move |coroutine| executor.spawn_ok(coroutine)
/// });
/// assert_eq!(portal.call(|| async { 6 * 7 }).wait()?, 42);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Portal {
    runtime: Runtime,
    rules: Rules,
}

#[derive(Clone)]
enum Runtime {
    Any(Arc<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>),
    #[cfg(feature = "tokio")]
    Tokio(tokio::runtime::Handle),
    #[cfg(feature = "async-std")]
    AsyncStd,
}

impl Portal {
    /// A portal to any runtime, by its own way to spawn and detach a future.
    ///
    /// For tokio and async-std there are constructors under the features of these names, which also bring it that a wait on
    /// a task of theirs is recognised and refused. Without the feature only their threads of the usual names are.
    pub fn new(spawn: impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static) -> Self {
        Self::from_runtime(Runtime::Any(Arc::new(spawn)))
    }

    /// A portal to a runtime of tokio. On one of the current-thread kind, coroutines only run while somebody is in its
    /// `block_on`.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    /// let portal = effective_bridge::Portal::tokio(runtime.handle());
    /// assert_eq!(portal.call(|| async { 6 * 7 }).wait()?, 42);
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "tokio")]
    pub fn tokio(runtime: &tokio::runtime::Handle) -> Self {
        Self::from_runtime(Runtime::Tokio(runtime.clone()))
    }

    /// A portal to async-std's global executor.
    ///
    /// # Examples
    /// ```
    /// let portal = effective_bridge::Portal::async_std();
    /// assert_eq!(portal.call(|| async { 6 * 7 }).wait().unwrap(), 42);
    /// ```
    #[cfg(feature = "async-std")]
    pub fn async_std() -> Self {
        Self::from_runtime(Runtime::AsyncStd)
    }

    fn from_runtime(runtime: Runtime) -> Self {
        Self {
            runtime,
            rules: Rules {
                deadline: Some(DEADLINE),
                in_blocking_thread: false,
            },
        }
    }

    /// Calls `make` on the runtime and drives the coroutine that it returns. Does not wait: see [`Call`].
    ///
    /// # Panics
    /// With what the spawn function given to [`Portal::new`] panics with.
    pub fn call<F, Fut, R>(&self, make: F) -> Call<R>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: Send + 'static,
    {
        let core = Arc::new(Core::new());
        let coroutine = drive(End::new(Arc::clone(&core)), make);
        match &self.runtime {
            Runtime::Any(spawn) => spawn(Box::pin(coroutine)),
            #[cfg(feature = "tokio")]
            Runtime::Tokio(runtime) => drop(runtime.spawn(coroutine)),
            #[cfg(feature = "async-std")]
            Runtime::AsyncStd => drop(async_std::task::spawn(coroutine)),
        }
        Call::new(core, self.rules)
    }

    /// A portal whose waits give a coroutine up that the runtime has not even polled after `time`; on a blocking thread of
    /// tokio or async-std, where a full pool does not show, a coroutine that has not ended. `None`: they wait for ever.
    /// Unless set: 30 s.
    pub fn deadline(mut self, time: Option<Duration>) -> Self {
        self.rules.deadline = time;
        self
    }

    /// A portal whose calls may also block in a context of tokio: for use on the threads of `spawn_blocking`, and in
    /// `block_in_place`.
    ///
    /// Stable tokio cannot tell those from a worker. On a worker, the wait may deadlock until the
    /// [deadline](Self::deadline), which there is for this.
    pub fn allow_in_blocking_thread(mut self) -> Self {
        self.rules.in_blocking_thread = true;
        self
    }
}

impl fmt::Debug for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portal")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
