//! The future of one job.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::JobError;
use crate::shared::{JobRef, PoolId};
use crate::task::{Outcome, Progress};
use crate::worker;

/// The result of one job, to be waited for; what [`ThreadPool::submit`](crate::ThreadPool::submit) returns.
///
/// Dropping it detaches the job: it still runs, and its result is dropped. To stop a job that has not started, call
/// [`cancel`](Self::cancel) first.
pub struct Handle<R> {
    outcome: Arc<dyn Outcome<R>>,
    pool: PoolId,
}

impl<R: 'static> Handle<R> {
    pub(crate) fn new(outcome: Arc<dyn Outcome<R>>, pool: PoolId) -> Self {
        Self { outcome, pool }
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
    /// let pool = thread_pool::ThreadPool::new(2)?;
    /// let answer = pool.submit(|| 6 * 7)?;
    /// assert_eq!(answer.wait()?, 42);
    /// # Ok(()) }
    /// ```
    pub fn wait(self) -> Result<R, JobError> {
        worker::with_current(self.pool, |worker| {
            // While the guard lives, others see that this worker is blocked.
            let _blocked = match worker {
                Some(worker) => {
                    let job: JobRef = self.outcome.clone();
                    worker
                        .before_wait(&job)
                        .map_err(|_| JobError::WouldDeadlock)?
                }
                None => None,
            };
            loop {
                if let Some(result) = self.outcome.wait_until(None) {
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
    /// let pool = thread_pool::ThreadPool::new(1)?;
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
    pub fn wait_timeout(self, timeout: Duration) -> Result<Result<R, JobError>, Self> {
        // A time beyond the clock's range is no limit.
        let deadline = Instant::now().checked_add(timeout);
        self.outcome.wait_until(deadline).ok_or(self)
    }

    /// Cancels the job if it has not started: it never runs, and what its closure captured is dropped before this
    /// returns. `false` if it runs or has ended: a running job cannot be cancelled.
    ///
    /// [`wait`](Self::wait) then returns [`JobError::Cancelled`].
    pub fn cancel(&self) -> bool {
        self.outcome.cancel()
    }

    /// Whether the job has ended, so that [`wait`](Self::wait) returns at once.
    pub fn is_finished(&self) -> bool {
        matches!(self.outcome.progress(), Progress::Finished)
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
