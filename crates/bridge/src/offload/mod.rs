//! From a coroutine to blocking code: threads of its own, on any runtime.
//!
//! | file | what it holds |
//! |---|---|
//! | `dispatch.rs` | the queue, the line before it, who sleeps: all under one lock |
//! | `state.rs` | which jobs may be taken |
//! | `lane.rs` | jobs in a row, of which some were withdrawn |
//! | `nesting.rs` | which call was made from which |
//! | `task.rs` | one call: its closure and its outcome |
//! | `run.rs` | the futures of a call |
//! | `shared.rs` | the threads, and what they share with the handles |

mod builder;
pub(crate) mod dispatch;
mod error;
mod lane;
mod nesting;
mod run;
mod shared;
mod state;
mod task;

pub use builder::Builder;
pub use error::{BuildError, OffloadError, Refusal, Refused, StillRunning};
pub use run::{Job, Run};

pub(crate) use nesting::{InCoroutine, Origin, origin};
pub(crate) use shared::{Blocked, Shared};

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use dispatch::Denied;

/// Threads for blocking code that coroutines call: their own, named and bounded, on any runtime.
///
/// A cheap handle: clones mean the same threads. When the last handle is dropped and no [`Run`] holds one any more, what was
/// accepted is finished and the threads end by themselves, but only while the process lives: before `main` returns, end with
/// [`shutdown`](Self::shutdown) or [`shutdown_timeout`](Self::shutdown_timeout).
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
    inner: Arc<Handle>,
}

/// What all handles share: the last of them closes.
struct Handle {
    shared: Arc<Shared>,
}

impl Offload {
    /// An offload with the settings of [`Builder`]: threads start as they are needed, 64 at most.
    pub fn new() -> Self {
        let builder = Self::builder();
        match builder.build() {
            Ok(offload) => offload,
            // They keep no thread, so none can be refused, and the rest is in range.
            Err(error) => unreachable!("{error}"),
        }
    }

    /// Sets the number of threads and the like.
    pub fn builder() -> Builder {
        Builder::new()
    }

    fn from_shared(shared: Arc<Shared>) -> Self {
        let inner = Arc::new(Handle { shared });
        Self { inner }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    /// Calls `call` on a thread and awaits its value. While as many calls are pending as `max_pending` allows, it first
    /// waits for room, in order.
    ///
    /// Nothing happens before the future is polled. Dropping it takes back a call that has not started, which then never
    /// runs; one that runs already cannot be stopped: it runs on, and its value is dropped.
    ///
    /// Awaited by [`block_on`](futures::executor::block_on) inside a call on the same offload, it does not starve: it goes
    /// before others and has a thread of its own, as [`max_threads`](Builder::max_threads) describes.
    ///
    /// # Errors
    /// [`OffloadError`]: the call panicked, or was never run.
    ///
    /// # Panics
    /// If the future is polled after it has ended.
    pub fn run<F, R>(&self, call: F) -> Run<F, R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Run::new(self.clone(), call, None)
    }

    /// As [`run`](Self::run), for at most `time` from the first poll. It needs no timer of the runtime.
    ///
    /// # Errors
    /// [`OffloadError::TimedOut`] says whether the call had started. If not, it never runs.
    ///
    /// # Panics
    /// If the future is polled after it has ended.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// let offload = effective_bridge::Offload::new();
    /// let slow = || std::thread::sleep(Duration::from_millis(200));
    /// let call = offload.run_timeout(slow, Duration::from_millis(5));
    /// let error = futures::executor::block_on(call).unwrap_err();
    /// assert!(matches!(error, effective_bridge::OffloadError::TimedOut { started: true, .. }));
    /// ```
    pub fn run_timeout<F, R>(&self, call: F, time: Duration) -> Run<F, R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Run::new(self.clone(), call, Some(time))
    }

    /// Hands the call in at once if there is room, from a coroutine or any thread. It never blocks.
    ///
    /// # Errors
    /// [`Refused`] gives the call back.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let offload = effective_bridge::Offload::new();
    /// let job = match offload.try_run(|| 6 * 7) {
    ///     Ok(job) => job,
    ///     Err(refused) => panic!("{}", refused.refusal()),
    /// };
    /// assert_eq!(futures::executor::block_on(job)?, 42);
    /// # Ok(()) }
    /// ```
    pub fn try_run<F, R>(&self, call: F) -> Result<Job<R>, Refused<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Job::try_submit(&self.inner.shared, call).map_err(|(denied, call)| Refused {
            call,
            why: match denied {
                Denied::Full => Refusal::Full,
                Denied::Closed => Refusal::Closed,
            },
        })
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.inner.shared.dispatch.threads()
    }

    /// How many calls are accepted and have not started.
    pub fn pending(&self) -> usize {
        self.inner.shared.dispatch.pending()
    }

    /// How many calls of [`run`](Self::run) wait for room.
    pub fn waiting(&self) -> usize {
        self.inner.shared.dispatch.in_line()
    }

    /// Whether it takes no more calls.
    pub fn is_closed(&self) -> bool {
        self.inner.shared.dispatch.is_closed()
    }

    /// Takes no more calls. Those accepted are finished; those that wait for room end with [`OffloadError::Closed`].
    pub fn close(&self) {
        self.inner.shared.close(false);
    }

    /// Takes no more calls, and cancels those that have not started: they end with [`OffloadError::Closed`]. Returns how
    /// many that were.
    pub fn close_now(&self) -> usize {
        self.inner.shared.close(true)
    }

    /// [Closes](Self::close) the offload and waits until everything accepted has ended and the threads as well. Dropping the
    /// future stops the wait only.
    ///
    /// # Errors
    /// [`StillRunning`] at once on a thread of the offload itself, which would wait for its own end.
    pub async fn shutdown(&self) -> Result<(), StillRunning> {
        self.close();
        let shared = &self.inner.shared;
        poll_fn(|cx| {
            if shared.is_current() {
                Poll::Ready(Err(self.still_running(self.threads())))
            } else if shared.poll_ended(cx.waker()) {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// [`shutdown`](Self::shutdown) for a thread: blocks for at most `time`.
    ///
    /// # Errors
    /// [`StillRunning`] when the time ran out, and at once on a thread of the offload itself.
    pub fn shutdown_timeout(&self, time: Duration) -> Result<(), StillRunning> {
        self.close();
        let threads = if self.inner.shared.is_current() {
            self.threads()
        } else {
            let deadline = Instant::now().checked_add(time);
            self.inner.shared.wait_ended(deadline)
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

impl Default for Offload {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close(false);
    }
}

impl fmt::Debug for Offload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offload")
            .field("threads", &self.threads())
            .field("pending", &self.pending())
            .field("limits", self.inner.shared.dispatch.limits())
            .finish_non_exhaustive()
    }
}
