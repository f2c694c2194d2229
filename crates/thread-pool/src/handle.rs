//! [`Handle`], the future of one job.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::error::JobError;
use crate::listeners::Watcher;
use crate::reports;
use crate::shared::PoolId;
use crate::task::{Progress, ResultRef};
use crate::worker;

/// The future result of one job, returned by [`ThreadPool::submit`](crate::ThreadPool::submit).
///
/// Dropping the handle detaches the job: it still runs, and its result is dropped. To stop a
/// pending job, call [`cancel`](Self::cancel) first.
///
/// # As a future
/// A handle can be awaited on any runtime. The result is that of [`wait`](Self::wait), but never
/// [`JobError::WouldDeadlock`]. Polling takes the result only when it is ready, so a handle that
/// loses a race in a `select` can be awaited or waited for again. Dropping the future drops the
/// handle: the job is detached, and the stored waker is dropped.
///
/// Polling never runs the job itself. A job that blocks on a future of its own full pool never
/// finishes; it should call [`wait`](Self::wait) instead.
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
/// Once polling has returned the result, any further use that needs the result panics, as with most
/// futures.
pub struct Handle<R> {
    task: ResultRef<R>,
    pool: PoolId,
    /// Whether an awake worker was searching when the job was queued, so that it starts soon.
    soon: bool,
    /// Whether a waker may be stored in the task.
    polled: bool,
}

impl<R: 'static> Handle<R> {
    pub(crate) fn new(task: ResultRef<R>, pool: PoolId, soon: bool) -> Self {
        Self {
            task,
            pool,
            soon,
            polled: false,
        }
    }

    /// Blocks until the job has ended and returns its result.
    ///
    /// On a worker of the job's own pool, a pending job runs inline on the waiter's stack, so that
    /// a full pool does not wait for itself. No *other* job ever runs inline, since it could need a
    /// lock that this stack already holds. The job itself must not need a lock that the waiter
    /// holds.
    ///
    /// # Errors
    /// - [`JobError::Panicked`] if the job panicked.
    /// - [`JobError::Cancelled`] if [`cancel`](Self::cancel) or the pool's shutdown cancelled it.
    /// - [`JobError::WouldDeadlock`] on a worker of the job's own pool: if the job runs further
    ///   down this stack, if it runs on a worker that waits for this one (perhaps through others),
    ///   or if jobs are already nested as deeply as
    ///   [`Builder::max_inline_depth`](crate::Builder::max_inline_depth) allows.
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
        // The fast path for most handles when many results are collected.
        if self.is_finished()
            && let Some(result) = self.wait_until(None)
        {
            return result;
        }
        worker::with_current(self.pool, |worker| {
            // While the guard lives, other workers see that this one is blocked.
            let _blocked = match worker {
                Some(worker) => worker
                    .before_wait(&self.task.task_ref())
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

    /// Blocks until the job has ended, or for at most `timeout`. With [`Duration::ZERO`] it costs
    /// little more than [`is_finished`](Self::is_finished).
    ///
    /// To honour the timeout, this never runs the job inline, not even on a worker of the job's own
    /// pool. Only [`wait`](Self::wait) lets a full pool make progress.
    ///
    /// # Errors
    /// The outer error returns this handle, still valid, if the timeout elapsed. The inner error is
    /// that of [`wait`](Self::wait), but never [`JobError::WouldDeadlock`].
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
        if timeout.is_zero() {
            // Reading the clock would cost more than the look at the job.
            return if self.is_finished() {
                self.task.take().ok_or(self)
            } else {
                Err(self)
            };
        }
        // A deadline beyond the clock's range is no deadline.
        let deadline = Instant::now().checked_add(timeout);
        self.wait_until(deadline).ok_or(self)
    }

    /// Cancels the job if it is pending: it never runs, and its closure is dropped before this
    /// returns. Returns `false` if the job runs or has ended: a running job cannot be cancelled.
    ///
    /// [`wait`](Self::wait) then returns [`JobError::Cancelled`].
    ///
    /// The job's callbacks run on this thread before this returns.
    pub fn cancel(&self) -> bool {
        self.task.cancel(JobError::Cancelled)
    }

    /// Calls `callback` with the result once the job has ended, on the thread that ended it:
    /// usually the worker, or the thread that cancels the job. If the job has already ended,
    /// `callback` runs on this thread before this returns.
    ///
    /// The callbacks of a job run in the order in which they were added, and *before* its result
    /// becomes visible: waiting for the job includes waiting for them, and
    /// [`is_finished`](Self::is_finished) is `false` until they have returned. They run even if the
    /// handle is dropped. Keep them short, since they occupy a worker.
    ///
    /// A panicking callback affects neither the job nor the other callbacks. The panic is counted
    /// by [`ThreadPool::callback_panics`](crate::ThreadPool::callback_panics) and passed to the
    /// pool's [`Builder::callback_panic_handler`](crate::Builder::callback_panic_handler). If the
    /// pool was dropped before the callback was added, only the panic hook of the process reports
    /// it.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::sync::mpsc;
    /// let pool = effective_thread_pool::ThreadPool::new(2)?;
    /// let (sender, receiver) = mpsc::channel();
    /// let mut answer = pool.submit(|| 6 * 7)?;
    /// answer.on_complete(move |result| {
    ///     let _ = sender.send(*result.as_ref().expect("no panic"));
    /// });
    /// // The callback runs even without the handle.
    /// drop(answer);
    /// assert_eq!(receiver.recv()?, 42);
    /// # Ok(()) }
    /// ```
    pub fn on_complete<C>(&mut self, callback: C)
    where
        C: FnOnce(&Result<R, JobError>) + Send + 'static,
    {
        self.task
            .on_complete(reports::reporting(self.pool, callback));
    }

    /// Whether the job has ended, so that [`wait`](Self::wait) returns at once.
    pub fn is_finished(&self) -> bool {
        matches!(self.task.progress(), Progress::Finished)
    }

    pub(crate) fn task(&self) -> &ResultRef<R> {
        &self.task
    }

    /// Takes the result, blocking until `deadline` or, without one, until the job has ended.
    pub(crate) fn wait_until(&mut self, deadline: Option<Instant>) -> Option<Result<R, JobError>> {
        self.task.wait_until(deadline, self.soon)
    }

    pub(crate) fn pool(&self) -> PoolId {
        self.pool
    }
}

impl<R: 'static> Future for Handle<R> {
    type Output = Result<R, JobError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.task.poll(context.waker());
        self.polled = polled.is_pending();
        polled
    }
}

impl<R> Drop for Handle<R> {
    fn drop(&mut self) {
        if self.polled {
            self.task.unwatch(Watcher::Future);
        }
    }
}

impl<R> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.task.progress() {
            Progress::Pending => "pending",
            Progress::Running(_) => "running",
            Progress::Cancelling | Progress::Finished => "finished",
        };
        f.debug_struct("Handle")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
