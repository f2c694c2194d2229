//! [`Handle`]: a submitted job.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::error::JobError;
use crate::finished_queue::FinishedQueue;
use crate::parent::batch::JobKey;
use crate::parent::job_table::Waiter;
use crate::parent::map_results::{RawOutput, RawResult};
use crate::parent::shared::Shared;

/// A submitted job.
///
/// Wait for it, or await it on any runtime: it is a future. Dropping it detaches the job, which
/// still runs.
#[must_use = "dropping the handle discards the result"]
pub struct Handle<T> {
    shared: Arc<Shared>,
    key: JobKey,
    decode: fn(RawOutput) -> Result<T, JobError>,
    taken: bool,
}

impl<T> Handle<T> {
    pub(crate) fn new(
        shared: Arc<Shared>,
        key: JobKey,
        decode: fn(RawOutput) -> Result<T, JobError>,
    ) -> Self {
        Self {
            shared,
            key,
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

    /// Waits for the result, at most `timeout`. With [`Duration::ZERO`] it costs as little as
    /// [`is_finished`](Self::is_finished).
    ///
    /// # Errors
    /// The handle, still usable, if the timeout expired. The job keeps running;
    /// [`kill`](Self::kill) ends it.
    pub fn wait_timeout(self, timeout: Duration) -> Result<Result<T, JobError>, Self> {
        if timeout.is_zero() {
            let outcome = self.shared.try_take(self.key);
            return self.taking(outcome);
        }
        // A deadline beyond the clock's range means no deadline.
        self.wait_until(Instant::now().checked_add(timeout))
    }

    fn wait_until(self, deadline: Option<Instant>) -> Result<Result<T, JobError>, Self> {
        let outcome = self.shared.wait_for(self.key, deadline);
        self.taking(outcome)
    }

    fn taking(mut self, outcome: Option<RawResult>) -> Result<Result<T, JobError>, Self> {
        match outcome {
            Some(outcome) => {
                self.taken = true;
                Ok(self.decoded(outcome))
            }
            None => Err(self),
        }
    }

    fn decoded(&self, outcome: RawResult) -> Result<T, JobError> {
        outcome.and_then(self.decode)
    }

    /// Whether the job has ended, so that [`wait`](Self::wait) would return at once.
    pub fn is_finished(&self) -> bool {
        self.shared.with(|state| {
            state.collect_for(self.key);
            state.has_ended(self.key)
        })
    }

    /// Cancels the job if it has not started; it then never runs. Returns `false` if it is running
    /// or has ended.
    ///
    /// [`wait`](Self::wait) then returns [`JobError::Cancelled`].
    pub fn cancel(&self) -> bool {
        self.shared.with(|state| state.cancel(self.key))
    }

    /// Cancels the job, or kills the worker that runs it together with everything the job started
    /// in the worker's process group. Returns `false` if the job has ended.
    ///
    /// [`wait`](Self::wait) then returns [`JobError::Cancelled`] or [`JobError::Killed`].
    pub fn kill(&self) -> bool {
        self.shared.with(|state| state.kill(self.key))
    }

    /// Calls `callback` with the result, in place of this handle. Callbacks run one after another
    /// on a thread of the pool's own. A callback may wait for other jobs and may drop the pool, but
    /// later callbacks wait behind it. Its panic is printed and goes no further.
    /// [`shutdown`](crate::ProcessPool::shutdown), and dropping the pool, also wait for callbacks.
    ///
    /// If that thread has ended with its pool, or the system refuses a thread, the callback runs on
    /// the thread that collects the result.
    pub fn on_done(mut self, callback: impl FnOnce(Result<T, JobError>) + Send + 'static)
    where
        T: 'static,
    {
        self.taken = true;
        let decode = self.decode;
        let call = move |outcome: RawResult| callback(outcome.and_then(decode));
        self.shared
            .with(|state| state.call_back(self.key, Box::new(call)));
    }

    /// Pushes `index` to the queue when the job has ended.
    pub(crate) fn report_to(&self, finished: &Arc<FinishedQueue>, index: usize) {
        let waiter = Waiter::Queue(Arc::clone(finished), index);
        let late = self.shared.with(|state| {
            let late = state.watch(self.key, waiter);
            state.dispatch();
            late
        });
        if late.is_some() {
            finished.push(index);
        }
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
        // Cloning and dropping a waker runs user code, which must not happen under the lock.
        let waker = context.waker().clone();
        let key = self.key;
        match self.shared.with(|state| state.poll(key, waker)) {
            Some(outcome) => {
                self.taken = true;
                Poll::Ready(self.decoded(outcome))
            }
            None => Poll::Pending,
        }
    }
}

// No field refers to the handle itself.
impl<T> Unpin for Handle<T> {}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        if !self.taken {
            drop(self.shared.with(|state| state.detach(self.key)));
        }
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
