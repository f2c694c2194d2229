use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::JobError;
use crate::as_completed::Finished;
use crate::parent::Shared;
use crate::parent::jobs::{Key, Stage, Waiter};
use crate::parent::unit::{Outcome, Raw};

/// A job that was handed in.
///
/// It can be waited for, or awaited on any runtime: it is a future. Dropping it detaches the job, which still runs.
#[must_use = "a dropped handle gives its result away"]
pub struct Handle<T> {
    shared: Arc<Shared>,
    key: Key,
    decode: fn(Raw) -> Result<T, JobError>,
    taken: bool,
}

impl<T> Handle<T> {
    pub(crate) fn new(
        shared: Arc<Shared>,
        key: Key,
        decode: fn(Raw) -> Result<T, JobError>,
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
    /// [`JobError`]: why there is none.
    pub fn wait(self) -> Result<T, JobError> {
        match self.wait_until(None) {
            Ok(result) => result,
            // It does not come back before its time, and there is none.
            Err(_) => unreachable!("a wait without end has ended"),
        }
    }

    /// Waits for the result, for so long at most.
    ///
    /// # Errors
    /// The handle, as good as before, when the time ran out. The job goes on; [`kill`](Self::kill) ends it.
    pub fn wait_timeout(self, timeout: Duration) -> Result<Result<T, JobError>, Self> {
        // What is beyond all clocks is for ever.
        self.wait_until(Instant::now().checked_add(timeout))
    }

    fn wait_until(mut self, until: Option<Instant>) -> Result<Result<T, JobError>, Self> {
        match self.shared.wait_for(self.key, until) {
            Some(outcome) => {
                self.taken = true;
                Ok(self.decoded(outcome))
            }
            None => Err(self),
        }
    }

    fn decoded(&self, outcome: Outcome) -> Result<T, JobError> {
        outcome.and_then(self.decode)
    }

    /// Whether the job has ended, so that [`wait`](Self::wait) returns at once.
    pub fn is_finished(&self) -> bool {
        self.shared.with(|state| {
            if let Some(Stage::Lane { lane, .. }) =
                state.jobs.get(self.key).map(|entry| &entry.stage)
            {
                let lane = *lane;
                state.tend(lane);
            }
            state.has_ended(self.key)
        })
    }

    /// Cancels the job if it has not begun: it then never runs. `false` if it runs or has ended.
    ///
    /// [`wait`](Self::wait) then returns [`JobError::Cancelled`].
    pub fn cancel(&self) -> bool {
        self.shared.with(|state| state.cancel(self.key))
    }

    /// Cancels the job, or kills the worker that runs it, with all that the job started in the worker's process group.
    /// `false` if it has ended.
    ///
    /// [`wait`](Self::wait) then returns [`JobError::Cancelled`] or [`JobError::Killed`].
    pub fn kill(&self) -> bool {
        self.shared.with(|state| state.kill(self.key))
    }

    /// Has `callback` called with the result, in place of this handle, on a thread that the pool has for callbacks alone,
    /// one after the other. It may wait for other jobs, and it may drop the pool, but other callbacks wait behind it. If it
    /// panics, that is printed, and goes no further. [`shutdown`](crate::ProcessPool::shutdown), and dropping the pool,
    /// wait for the callbacks too.
    ///
    /// Where that thread has ended with its pool, or the system refuses one, the callback is called by whichever thread
    /// comes across the result.
    pub fn on_done(mut self, callback: impl FnOnce(Result<T, JobError>) + Send + 'static)
    where
        T: 'static,
    {
        self.taken = true;
        let decode = self.decode;
        let call = move |outcome: Outcome| callback(outcome.and_then(decode));
        self.shared
            .with(|state| state.call_back(self.key, Box::new(call)));
    }

    /// Has the list know when the job has ended.
    pub(crate) fn report_to(&self, finished: &Arc<Finished>, place: usize) {
        let waiter = Waiter::List(Arc::clone(finished), place);
        let late = self.shared.with(|state| {
            let late = state.watch(self.key, waiter);
            state.settle();
            late
        });
        if late.is_some() {
            finished.push(place);
        }
    }
}

impl<T> Future for Handle<T> {
    type Output = Result<T, JobError>;

    /// # Panics
    /// If it is polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(
            !self.taken,
            "a handle has one result only: do not poll it after it was ready"
        );
        // Cloning and dropping a waker runs the user's code, which must not happen under the lock.
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

// It holds no reference into itself.
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
