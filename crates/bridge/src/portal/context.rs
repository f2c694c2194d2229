//! Where this thread is, and whether it may block there for a coroutine.

use std::cell::Cell;
use std::thread;

use super::WouldDeadlock;
use crate::offload::{Blocked, InCoroutine, Origin};

thread_local! {
    /// How many coroutines that a portal called are being polled on this thread, one inside the other.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// A coroutine that a portal called is being polled.
pub(super) struct Inside {
    _scope: InCoroutine,
}

impl Inside {
    /// `origin`: what the portal was called from.
    pub(super) fn enter(origin: &Option<Origin>) -> Self {
        INSIDE.set(INSIDE.get() + 1);
        let _scope = InCoroutine::enter(origin.clone());
        Self { _scope }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(INSIDE.get() - 1);
    }
}

/// May block, and how.
pub(crate) struct Permit {
    /// On a pool that can be full without anybody seeing it: the wait needs a deadline.
    is_hidden: bool,
    /// An offload's thread, of which another takes the part as long as this lives.
    _blocked: Option<Blocked>,
}

impl Permit {
    pub(crate) fn is_hidden(&self) -> bool {
        self.is_hidden
    }
}

/// Whether this thread may block. `allowed`: the user says that a context of tokio is that of a blocking thread.
pub(super) fn permit(allowed: bool) -> Result<Permit, WouldDeadlock> {
    if INSIDE.get() > 0 {
        return Err(WouldDeadlock::InsideCall);
    }
    // Tells whether an executor of `futures` runs on this thread; the guard goes at once.
    if futures::executor::enter().is_err() {
        return Err(WouldDeadlock::FuturesExecutor);
    }
    if is_async_std_task() {
        return Err(WouldDeadlock::AsyncStdTask);
    }
    let is_tokio = is_tokio_context();
    if is_tokio && !allowed {
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

/// Without the feature only the runtime's own threads are known, by the name they have unless set otherwise.
#[cfg(not(feature = "async-std"))]
fn is_async_std_task() -> bool {
    is_named("async-std/runtime")
}

#[cfg(feature = "tokio")]
fn is_tokio_context() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
}

/// As above.
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
