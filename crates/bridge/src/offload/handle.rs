//! The public handle of a pool for blocking code.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::error::StillRunning;
use super::shared::Shared;

/// A pool of threads for blocking code that coroutines call: named, bounded, on any runtime.
///
/// This is a cheap handle: clones share the threads. When the last handle is dropped and no
/// [`Run`](crate::Run) holds one, the pool finishes the accepted jobs and its threads exit, but
/// only while the process lives. Before `main` returns, call [`shutdown`](Self::shutdown) or
/// [`shutdown_timeout`](Self::shutdown_timeout).
///
/// # Examples
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let offload = effective_bridge::Offload::new();
/// let text = futures::executor::block_on(async {
///     // `read_to_string` blocks a thread of the offload, not the event loop.
///     offload.run(|| std::fs::read_to_string("Cargo.toml")).await
/// })??;
/// assert!(text.contains("bridge"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Offload {
    inner: Arc<CloseOnDrop>,
}

/// Shared by all handles: dropping the last one closes the pool.
struct CloseOnDrop(Arc<Shared>);

impl Offload {
    pub(super) fn from_shared(shared: Arc<Shared>) -> Self {
        let inner = Arc::new(CloseOnDrop(shared));
        Self { inner }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.inner.0
    }

    /// Returns the number of threads.
    pub fn threads(&self) -> usize {
        self.shared().dispatch.threads()
    }

    /// Returns the number of jobs that are accepted and not started.
    pub fn pending(&self) -> usize {
        self.shared().dispatch.pending()
    }

    /// Returns the number of calls of [`run`](Self::run) that wait for room.
    pub fn waiting(&self) -> usize {
        self.shared().dispatch.waiting()
    }

    /// Returns whether the offload has stopped accepting jobs.
    pub fn is_closed(&self) -> bool {
        self.shared().dispatch.is_closed()
    }

    /// Stops accepting jobs. Accepted jobs are finished; calls of [`run`](Self::run) that wait for
    /// room fail with [`OffloadError::Closed`](crate::OffloadError::Closed).
    pub fn close(&self) {
        self.shared().close(false);
    }

    /// Stops accepting jobs and cancels those that have not started: they fail with
    /// [`OffloadError::Closed`](crate::OffloadError::Closed). Returns how many were cancelled.
    pub fn close_now(&self) -> usize {
        self.shared().close(true)
    }

    /// [Closes](Self::close) the offload and waits until all accepted jobs have finished and all
    /// threads have exited. Dropping the future only stops the wait.
    ///
    /// # Errors
    /// [`StillRunning`] at once on a thread of this offload, which would wait for its own end.
    pub async fn shutdown(&self) -> Result<(), StillRunning> {
        self.close();
        let shared = self.shared();
        poll_fn(|cx| {
            if shared.is_current() {
                Poll::Ready(Err(self.still_running(self.threads())))
            } else if shared.poll_terminated(cx.waker()) {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// The blocking form of [`shutdown`](Self::shutdown): waits at most `timeout`.
    ///
    /// # Errors
    /// [`StillRunning`] when the time has run out, and at once on a thread of this offload.
    pub fn shutdown_timeout(&self, timeout: Duration) -> Result<(), StillRunning> {
        self.close();
        let threads = if self.shared().is_current() {
            self.threads()
        } else {
            let deadline = Instant::now().checked_add(timeout);
            self.shared().wait_terminated(deadline)
        };
        if threads == 0 {
            Ok(())
        } else {
            Err(self.still_running(threads))
        }
    }

    fn still_running(&self, threads: usize) -> StillRunning {
        StillRunning {
            threads,
            pending: self.pending(),
        }
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close(false);
    }
}

impl fmt::Debug for Offload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offload")
            .field("threads", &self.threads())
            .field("pending", &self.pending())
            .field("limits", self.shared().dispatch.limits())
            .finish_non_exhaustive()
    }
}
