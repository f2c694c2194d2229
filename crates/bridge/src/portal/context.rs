//! Detection of the current thread's context, and whether it may block there for a coroutine.

use std::cell::Cell;
use std::thread;

use super::error::WouldDeadlock;
use crate::offload::nesting::{CoroutineScope, Origin};
use crate::offload::shared::Blocked;

thread_local! {
    /// How many coroutines of portals are being polled on this thread, one inside another.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Marks a scope in which a portal's coroutine is polled, made or dropped.
pub(super) struct InsideCall {
    _scope: CoroutineScope,
}

impl InsideCall {
    /// `origin`: the jobs that the portal was called from.
    pub(super) fn enter(origin: &Option<Origin>) -> Self {
        DEPTH.set(DEPTH.get() + 1);
        let _scope = CoroutineScope::enter(origin.clone());
        Self { _scope }
    }
}

impl Drop for InsideCall {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// The permission to block on this thread.
pub(crate) struct Permit {
    /// The thread belongs to a pool that cannot be seen to be full: the wait needs a deadline.
    is_hidden: bool,
    /// Lets another worker replace this one, if it is one, for as long as this lives.
    _blocked: Option<Blocked>,
}

impl Permit {
    pub(crate) fn is_hidden(&self) -> bool {
        self.is_hidden
    }
}

/// Whether this thread may block. `allow_tokio`: a tokio context is known to be a blocking thread.
pub(super) fn permit(allow_tokio: bool) -> Result<Permit, WouldDeadlock> {
    if DEPTH.get() > 0 {
        return Err(WouldDeadlock::InsideCall);
    }
    // Fails if an executor of `futures` runs on this thread. The guard is dropped at once.
    if futures::executor::enter().is_err() {
        return Err(WouldDeadlock::FuturesExecutor);
    }
    if is_async_std_task() {
        return Err(WouldDeadlock::AsyncStdTask);
    }
    let is_tokio = is_tokio_context();
    if is_tokio && !allow_tokio {
        return Err(WouldDeadlock::TokioContext);
    }
    let blocked = Blocked::enter().map_err(|_| WouldDeadlock::OffloadExhausted)?;
    Ok(Permit {
        is_hidden: is_tokio || is_blocking_pool(),
        _blocked: blocked,
    })
}

#[cfg(feature = "async-std")]
fn is_async_std_task() -> bool {
    async_std::task::try_current().is_some() || is_named("async-std/runtime")
}

/// Without the feature, the runtime's own threads are recognised by their default name.
#[cfg(not(feature = "async-std"))]
fn is_async_std_task() -> bool {
    is_named("async-std/runtime")
}

#[cfg(feature = "tokio")]
fn is_tokio_context() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
}

/// Without the feature, the runtime's own threads are recognised by their default names.
#[cfg(not(feature = "tokio"))]
fn is_tokio_context() -> bool {
    is_named("tokio-rt-worker") || is_named("tokio-runtime-worker")
}

fn is_named(name: &str) -> bool {
    thread::current().name() == Some(name)
}

/// The pool of the crate `blocking`, on which async-std and smol run blocking code.
fn is_blocking_pool() -> bool {
    thread::current()
        .name()
        .is_some_and(|name| name.starts_with("blocking-"))
}
