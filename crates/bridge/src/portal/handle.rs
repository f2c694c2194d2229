//! The public handle through which threads call coroutines.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::call::{Call, WaitPolicy};
use super::call_state::CallState;
use super::drive::{Completion, drive};

/// A handle of a runtime through which threads call coroutines.
///
/// It is cheap to clone and keeps no runtime alive.
///
/// # Examples
/// ```
/// use effective_bridge::Portal;
/// use futures::executor::ThreadPool;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let executor = ThreadPool::new()?; // or any other executor
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
    policy: WaitPolicy,
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
    /// Creates a portal to any runtime, given a function that spawns and detaches a future on it.
    ///
    /// Tokio and async-std have constructors of their own, under the features of these names. With
    /// such a feature a wait on a task of that runtime is recognised and refused; without it, only
    /// threads with the runtime's default names are.
    pub fn new(spawn: impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static) -> Self {
        Self::from_runtime(Runtime::Any(Arc::new(spawn)))
    }

    /// Creates a portal to a tokio runtime. On a current-thread runtime, coroutines only run while
    /// some thread is inside its `block_on`.
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

    /// Creates a portal to async-std's global executor.
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
            policy: WaitPolicy::default(),
        }
    }

    /// Calls `make` on the runtime and drives the coroutine that it returns. Does not wait; see
    /// [`Call`].
    ///
    /// # Panics
    /// If the spawn function given to [`Portal::new`] panics.
    pub fn call<F, Fut, R>(&self, make: F) -> Call<R>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: Send + 'static,
    {
        let state = Arc::new(CallState::new());
        let coroutine = drive(Completion::new(Arc::clone(&state)), make);
        match &self.runtime {
            Runtime::Any(spawn) => spawn(Box::pin(coroutine)),
            #[cfg(feature = "tokio")]
            Runtime::Tokio(runtime) => drop(runtime.spawn(coroutine)),
            #[cfg(feature = "async-std")]
            Runtime::AsyncStd => drop(async_std::task::spawn(coroutine)),
        }
        Call::new(state, self.policy)
    }

    /// Sets how long a [`wait`](Call::wait) without a timeout lasts before a deadlock is presumed.
    /// `None`: no limit. Default: 30 s.
    ///
    /// On a thread of one's own the limit is for the coroutine's first poll: it catches a runtime
    /// that is not driven. On a blocking thread of tokio or async-std, where a full pool cannot be
    /// detected, the limit is for the whole wait.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_bridge::{CallError, Portal};
    ///
    /// // A runtime that runs nothing.
    /// let limit = Duration::from_millis(10);
    /// let portal = Portal::new(std::mem::forget).deadlock_timeout(Some(limit));
    /// assert!(matches!(portal.call(|| async {}).wait(), Err(CallError::TimedOut { .. })));
    /// ```
    pub fn deadlock_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.policy.deadlock_timeout = timeout;
        self
    }

    /// Allows calls to block in a tokio context: for use on threads of `spawn_blocking` and in
    /// `block_in_place`.
    ///
    /// Stable tokio cannot tell those from a worker. On a worker the wait may deadlock, until the
    /// [deadlock timeout](Self::deadlock_timeout) ends it.
    ///
    /// ```
    /// use effective_bridge::Portal;
    ///
    /// let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    /// let handle = runtime.handle().clone();
    /// let portal = Portal::new(move |coroutine| drop(handle.spawn(coroutine)));
    /// let portal = portal.allow_in_blocking_thread();
    /// let answer = runtime.block_on(async move {
    ///     tokio::task::spawn_blocking(move || portal.call(|| async { 6 * 7 }).wait()).await
    /// })?;
    /// assert_eq!(answer.unwrap(), 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn allow_in_blocking_thread(mut self) -> Self {
        self.policy.allow_blocking_thread = true;
        self
    }
}

impl fmt::Debug for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portal")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
