//! [`Handle`]: a submitted job.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::caller::ledger::RawResult;
use crate::caller::promise::{Callback, Promise};
use crate::error::JobError;
use crate::finished_queue::FinishedQueue;
use crate::shared::Shared;

/// A submitted job.
///
/// Wait for it, or await it on any runtime: it is a future. Dropping it detaches the job, which
/// still runs.
#[must_use = "dropping the handle discards the result"]
pub struct Handle<T> {
    shared: Arc<Shared>,
    promise: Arc<Promise>,
    id: u64,
    decode: fn(RawResult) -> Result<T, JobError>,
    taken: bool,
}

impl<T> Handle<T> {
    pub(crate) fn new(
        shared: Arc<Shared>,
        promise: Arc<Promise>,
        id: u64,
        decode: fn(RawResult) -> Result<T, JobError>,
    ) -> Self {
        Self {
            shared,
            promise,
            id,
            decode,
            taken: false,
        }
    }

    /// Waits for the result.
    ///
    /// # Errors
    /// [`JobError`] says why there is no result.
    pub fn wait(self) -> Result<T, JobError> {
        match self.wait_until(None) {
            Ok(result) => result,
            Err(_) => unreachable!("a wait without a deadline timed out"),
        }
    }

    /// Waits for the result, at most `timeout`.
    ///
    /// # Errors
    /// The handle, still usable, if the timeout expired. The job keeps running.
    pub fn wait_timeout(self, timeout: Duration) -> Result<Result<T, JobError>, Self> {
        // A deadline beyond the clock's range means no deadline.
        self.wait_until(Instant::now().checked_add(timeout))
    }

    fn wait_until(mut self, deadline: Option<Instant>) -> Result<Result<T, JobError>, Self> {
        match self.promise.wait(deadline) {
            Some(result) => {
                self.taken = true;
                Ok((self.decode)(result))
            }
            None => Err(self),
        }
    }

    /// Whether the job has ended, so that [`wait`](Self::wait) would return at once.
    pub fn is_finished(&self) -> bool {
        self.promise.is_ended()
    }

    /// Cancels the job if no worker is known to have begun it. Returns `false` if one has, or if
    /// the job has ended.
    ///
    /// [`wait`](Self::wait) then returns [`JobError::Cancelled`]. In this process the job then
    /// never runs. A worker elsewhere that is about to begin it may still run it; its result is
    /// ignored.
    pub fn cancel(&self) -> bool {
        self.shared.cancel(self.id)
    }

    /// Calls `callback` with the result, in place of this handle. Callbacks run one after another
    /// on a thread of the cluster's own. A callback may wait for other jobs and may drop the
    /// cluster, but later callbacks wait behind it. Its panic is printed and goes no further.
    /// [`shutdown`](crate::Cluster::shutdown), and dropping the cluster, also wait for callbacks.
    pub fn on_done(mut self, callback: impl FnOnce(Result<T, JobError>) + Send + 'static)
    where
        T: 'static,
    {
        self.taken = true;
        let decode = self.decode;
        let callback: Callback = Box::new(move |result| callback(decode(result)));
        if let Some((callback, result)) = self.promise.call_back(callback) {
            self.shared
                .callbacks
                .call(Box::new(move || callback(result)));
        }
    }

    /// Pushes `index` to the queue when the job has ended.
    pub(crate) fn report_to(&self, finished: &Arc<FinishedQueue>, index: usize) {
        self.promise.report_to(finished, index);
    }
}

impl<T> Future for Handle<T> {
    type Output = Result<T, JobError>;

    /// # Panics
    /// If polled again after it returned `Ready`.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(
            !self.taken,
            "a handle was polled again after it returned `Ready`"
        );
        match self.promise.poll(context.waker().clone()) {
            Poll::Ready(result) => {
                self.taken = true;
                Poll::Ready((self.decode)(result))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

// No field refers to the handle itself.
impl<T> Unpin for Handle<T> {}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
