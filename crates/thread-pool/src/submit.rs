//! Submitting one job, with or without a bound on pending jobs.

use std::time::{Duration, Instant};

use crate::backlog::{Permit, WhenFull};
use crate::error::{Refusal, SubmitError};
use crate::growth;
use crate::handle::Handle;
use crate::pool::ThreadPool;
use crate::task::{self, ResultRef, TaskRef};
use crate::worker;

impl ThreadPool {
    /// Queues a job and returns the handle to its result.
    ///
    /// Jobs submitted from outside the pool start in the order of submission. A job submitted by a
    /// job goes to the queue of its worker, which prefers that queue to the shared one; other
    /// workers steal from it when they find nothing else. So that no job starves, a worker looks
    /// into the shared queue first for every 61st job, and into the other workers' queues for every
    /// 67th.
    ///
    /// This never blocks, unless the pool was built with
    /// [`Builder::max_pending`](crate::Builder::max_pending): then it blocks while that number of
    /// jobs is pending. On a worker of the pool it does not block, since the worker might wait for
    /// itself: the job exceeds the bound.
    ///
    /// # Errors
    /// [`SubmitError`], which returns the job, if the pool is [closed](Self::close) or a worker
    /// could not be initialized.
    pub fn submit<F, R>(&self, job: F) -> Result<Handle<R>, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.submit_with(job, self.when_full())
    }

    /// As [`submit`](Self::submit), but never blocks: it refuses the job while the number of
    /// pending jobs is at [`Builder::max_pending`](crate::Builder::max_pending).
    ///
    /// This also holds on a worker of the pool, so a job can keep to the bound.
    ///
    /// # Errors
    /// As [`submit`](Self::submit), and [`Refusal::Full`].
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::{sync::mpsc, thread, time::Duration};
    /// use effective_thread_pool::{Refusal, ThreadPool};
    /// let pool = ThreadPool::builder().workers(1).max_pending(1).build()?;
    /// # let (started, has_started) = mpsc::channel();
    /// let running = pool.submit(move || {
    /// #   started.send(()).unwrap();
    ///     thread::sleep(Duration::from_millis(50))
    /// })?;
    /// # has_started.recv()?;
    /// let pending = pool.submit(|| 1)?;
    /// let refused = pool.try_submit(|| 2).unwrap_err();
    /// assert!(matches!(refused.refusal(), Refusal::Full));
    /// // Blocks until there is room.
    /// let late = pool.submit(refused.into_job())?;
    /// # assert_eq!(pending.wait()? + late.wait()?, 3);
    /// # Ok(()) }
    /// ```
    pub fn try_submit<F, R>(&self, job: F) -> Result<Handle<R>, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        // This deadline has already passed.
        self.submit_with(job, WhenFull::Wait(Some(Instant::now())))
    }

    /// As [`submit`](Self::submit), but waits for room for at most `timeout`, even on a worker of
    /// the pool.
    ///
    /// # Errors
    /// As [`submit`](Self::submit), and [`Refusal::Full`] if the timeout elapsed.
    pub fn submit_timeout<F, R>(
        &self,
        job: F,
        timeout: Duration,
    ) -> Result<Handle<R>, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        // A deadline beyond the clock's range is no deadline.
        self.submit_with(job, WhenFull::Wait(Instant::now().checked_add(timeout)))
    }

    fn submit_with<F, R>(&self, job: F, when_full: WhenFull) -> Result<Handle<R>, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        match self.admit(when_full) {
            Ok(permit) => Ok(self.enqueue(permit, job)),
            Err(refusal) => Err(SubmitError::new(job, refusal)),
        }
    }

    /// The reaction of a plain submission to a full backlog.
    pub(crate) fn when_full(&self) -> WhenFull {
        if self.shared().settings.backlog.is_some() && self.on_own_worker() {
            WhenFull::Exceed
        } else {
            WhenFull::Wait(None)
        }
    }

    /// Accepts one job into the backlog and the ledger; the caller must then queue it.
    pub(crate) fn admit(&self, when_full: WhenFull) -> Result<Option<Permit>, Refusal> {
        let shared = self.shared();
        let permit = match &shared.settings.backlog {
            None => None,
            Some(backlog) => Some(backlog.enter(when_full).ok_or(Refusal::Full)?),
        };
        if shared.ledger.accept() {
            Ok(permit)
        } else {
            Err(shared.refusal())
        }
    }

    /// Queues an admitted job.
    pub(crate) fn enqueue<F, R>(&self, permit: Option<Permit>, job: F) -> Handle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        match permit {
            None => self.queue(task::new(job)),
            Some(permit) => self.queue(task::new(move || {
                // The job is no longer pending. A cancelled job drops its permit with its closure.
                drop(permit);
                job()
            })),
        }
    }

    fn queue<R: 'static>(&self, (job, result): (TaskRef, ResultRef<R>)) -> Handle<R> {
        let shared = self.shared();
        worker::queue(shared, job);
        let soon = shared.sleep.notify(1);
        growth::grow(shared);
        Handle::new(result, shared.id, soon)
    }
}
