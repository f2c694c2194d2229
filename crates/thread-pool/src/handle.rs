//! The future of one job.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::listeners::Watcher;
use crate::shared::PoolId;
use crate::task::{OutcomeRef, Progress};
use crate::{JobError, reports, worker};

/// The result of one job, to be waited for; what [`ThreadPool::submit`](crate::ThreadPool::submit) returns.
///
/// Dropping it detaches the job: it still runs, and its result is dropped. To stop a job that has not started, call
/// [`cancel`](Self::cancel) first.
///
/// # As a future
/// A handle can be awaited on any runtime: it needs none of its own. The result is what [`wait`](Self::wait) returns,
/// but never [`JobError::WouldDeadlock`]. Polling takes the result only when it is ready, so a handle that loses a race
/// in a `select` can be awaited again, or waited for. A future that is dropped is a handle that is dropped: the job is
/// detached, and its task's waker is given back.
///
/// Polling never runs the job itself. A job that blocks on a future of its own full pool waits for ever; let it call
/// [`wait`](Self::wait).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = effective_thread_pool::ThreadPool::new(2)?;
/// let answer = pool.submit(|| 6 * 7)?;
/// let doubled = async { answer.await.map(|answer| 2 * answer) };
/// # // Any executor will do.
/// assert_eq!(futures::executor::block_on(doubled)?, 84);
/// # Ok(()) }
/// ```
///
/// # Panics
/// Once polling has returned the result, every further use that needs it panics, as with most futures.
pub struct Handle<R> {
    outcome: OutcomeRef<R>,
    pool: PoolId,
    /// Whether an awake worker was searching as the job was queued: then it starts within a moment.
    soon: bool,
    /// Whether a waker may have to be given back.
    polled: bool,
}

impl<R: 'static> Handle<R> {
    pub(crate) fn new(outcome: OutcomeRef<R>, pool: PoolId, soon: bool) -> Self {
        Self {
            outcome,
            pool,
            soon,
            polled: false,
        }
    }

    /// Blocks until the job has ended and returns its result.
    ///
    /// On a worker of the job's own pool a job that nobody has started is run right here, on the waiter's stack, so that
    /// a full pool does not wait for itself. No *other* job is ever run here, since that could take a lock which this
    /// stack holds already. Mind that the job itself must not need a lock that the waiter holds.
    ///
    /// # Errors
    /// - [`JobError::Panicked`] if the job panicked.
    /// - [`JobError::Cancelled`] if it was cancelled, by [`cancel`](Self::cancel) or by the pool's shutdown.
    /// - [`JobError::WouldDeadlock`] on a worker of the job's own pool, if the job runs further down this very stack, if
    ///   it runs on a worker that (through others, perhaps) waits for this one, or if jobs are already run inside jobs
    ///   as deep as [`Builder::max_inline_depth`](crate::Builder::max_inline_depth) allows.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = effective_thread_pool::ThreadPool::new(2)?;
    /// let answer = pool.submit(|| 6 * 7)?;
    /// assert_eq!(answer.wait()?, 42);
    /// # Ok(()) }
    /// ```
    pub fn wait(mut self) -> Result<R, JobError> {
        // Nothing to wait for, as for most handles when many results are collected.
        if self.is_finished()
            && let Some(result) = self.wait_until(None)
        {
            return result;
        }
        worker::with_current(self.pool, |worker| {
            // While the guard lives, others see that this worker is blocked.
            let _blocked = match worker {
                Some(worker) => worker
                    .before_wait(&self.outcome.job())
                    .map_err(|_| JobError::WouldDeadlock)?,
                None => None,
            };
            loop {
                if let Some(result) = self.wait_until(None) {
                    return result;
                }
            }
        })
    }

    /// Blocks until the job has ended, or for as long as `timeout`: then the handle comes back, as good as before.
    ///
    /// The time is kept on a worker of the job's own pool too: this never runs the job itself. There, only
    /// [`wait`](Self::wait) makes a full pool go on.
    ///
    /// # Errors
    /// The outer error is this handle, when the time ran out. The inner one is as in [`wait`](Self::wait), but never
    /// [`JobError::WouldDeadlock`].
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = effective_thread_pool::ThreadPool::new(1)?;
    /// let mut handle = pool.submit(|| std::thread::sleep(Duration::from_millis(30)))?;
    /// let result = loop {
    ///     match handle.wait_timeout(Duration::from_millis(10)) {
    ///         Ok(result) => break result,
    ///         Err(again) => handle = again,
    ///     }
    /// };
    /// assert!(result.is_ok());
    /// # Ok(()) }
    /// ```
    pub fn wait_timeout(mut self, timeout: Duration) -> Result<Result<R, JobError>, Self> {
        // A time beyond the clock's range is no limit.
        let deadline = Instant::now().checked_add(timeout);
        self.wait_until(deadline).ok_or(self)
    }

    /// Cancels the job if it has not started: it never runs, and what its closure captured is dropped before this
    /// returns. `false` if it runs or has ended: a running job cannot be cancelled.
    ///
    /// [`wait`](Self::wait) then returns [`JobError::Cancelled`].
    ///
    /// The job's callbacks run on this thread before it returns.
    pub fn cancel(&self) -> bool {
        self.outcome.cancel(JobError::Cancelled)
    }

    /// Calls `callback` with the result when the job has ended, on the thread that ended it: mostly the worker, or who
    /// cancels the job. If it has ended already, on this thread before this returns.
    ///
    /// The callbacks of a job run in the order in which they were added, and *before* its result can be seen: who waits
    /// for the job waits for them too, and [`is_finished`](Self::is_finished) is `false` until they are through. They
    /// run whether or not the handle is dropped. Keep them short, since they hold up a worker.
    ///
    /// A callback that panics harms neither the job nor the other callbacks: it is counted by
    /// [`ThreadPool::callback_panics`](crate::ThreadPool::callback_panics) and handed to the pool's
    /// [`Builder::callback_panic_handler`](crate::Builder::callback_panic_handler). (If the pool is gone when the callback is
    /// added, only the panic hook of the process tells of it.)
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::sync::mpsc;
    /// let pool = effective_thread_pool::ThreadPool::new(2)?;
    /// let (tell, told) = mpsc::channel();
    /// let mut answer = pool.submit(|| 6 * 7)?;
    /// answer.on_complete(move |result| {
    ///     let _ = tell.send(*result.as_ref().expect("no panic"));
    /// });
    /// // Nobody has to wait for it.
    /// drop(answer);
    /// assert_eq!(told.recv()?, 42);
    /// # Ok(()) }
    /// ```
    pub fn on_complete<C>(&mut self, callback: C)
    where
        C: FnOnce(&Result<R, JobError>) + Send + 'static,
    {
        self.outcome
            .on_complete(reports::reporting(self.pool, callback));
    }

    /// Whether the job has ended, so that [`wait`](Self::wait) returns at once.
    pub fn is_finished(&self) -> bool {
        matches!(self.outcome.progress(), Progress::Finished)
    }

    pub(crate) fn outcome(&self) -> &OutcomeRef<R> {
        &self.outcome
    }

    /// Takes the result, blocking until `deadline`, or for as long as it takes.
    pub(crate) fn wait_until(&mut self, deadline: Option<Instant>) -> Option<Result<R, JobError>> {
        self.outcome.wait_until(deadline, self.soon)
    }

    pub(crate) fn pool(&self) -> PoolId {
        self.pool
    }
}

impl<R: 'static> Future for Handle<R> {
    type Output = Result<R, JobError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.outcome.poll(context.waker());
        self.polled = polled.is_pending();
        polled
    }
}

impl<R> Drop for Handle<R> {
    fn drop(&mut self) {
        if self.polled {
            self.outcome.unwatch(Watcher::Future);
        }
    }
}

impl<R> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.outcome.progress() {
            Progress::Pending => "pending",
            Progress::Running(_) => "running",
            Progress::Cancelling | Progress::Finished => "finished",
        };
        f.debug_struct("Handle")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
