//! Handing one job to the pool, with or without a bound on how many may be pending.

use std::time::{Duration, Instant};

use crate::backlog::{Patience, Place};
use crate::task::{JobRef, OutcomeRef};
use crate::{Handle, Refusal, SubmitError, ThreadPool, crew, task};

impl ThreadPool {
    /// Queues a job and returns the handle on its result.
    ///
    /// Jobs submitted from outside start in the order of their submission. A job submitted by a job goes to the queue of
    /// the worker it is submitted on: that worker takes it before what waits outside, and another worker takes it when it
    /// finds nothing else. So that no job starves, a worker takes every 61st job from outside first, and every 67th from
    /// another worker.
    ///
    /// This never blocks, unless the pool was built with [`Builder::max_pending`](crate::Builder::max_pending): then it
    /// blocks while so many jobs are pending, but not on a worker of the pool, which might wait for itself: what jobs
    /// submit goes in over the bound.
    ///
    /// # Errors
    /// [`SubmitError`] if the pool is [closed](Self::close), or if a worker could not be initialized; it hands the job
    /// back.
    pub fn submit<F, R>(&self, job: F) -> Result<Handle<R>, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.submit_with(job, self.patience())
    }

    /// As [`submit`](Self::submit), but never blocks: while as many jobs are pending as
    /// [`Builder::max_pending`](crate::Builder::max_pending) allows, it refuses.
    ///
    /// This holds on a worker of the pool too, so that a job which submits many can keep to the bound.
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
        // A time that has passed.
        self.submit_with(job, Patience::Until(Some(Instant::now())))
    }

    /// As [`submit`](Self::submit), but waits for room for at most that long, on a worker of the pool too.
    ///
    /// # Errors
    /// As [`submit`](Self::submit), and [`Refusal::Full`] when the time ran out.
    pub fn submit_timeout<F, R>(
        &self,
        job: F,
        timeout: Duration,
    ) -> Result<Handle<R>, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        // A time beyond the clock's range is no limit.
        self.submit_with(job, Patience::Until(Instant::now().checked_add(timeout)))
    }

    fn submit_with<F, R>(&self, job: F, patience: Patience) -> Result<Handle<R>, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        match self.admit(patience) {
            Ok(place) => Ok(self.enqueue(place, job)),
            Err(refusal) => Err(SubmitError::new(job, refusal)),
        }
    }

    /// How long a plain submission waits for room.
    pub(crate) fn patience(&self) -> Patience {
        if self.shared().settings.backlog.is_some() && self.on_own_worker() {
            Patience::Never
        } else {
            Patience::Until(None)
        }
    }

    /// Enters one job into the books; it must then be queued.
    pub(crate) fn admit(&self, patience: Patience) -> Result<Option<Place>, Refusal> {
        let shared = self.shared();
        let place = match &shared.settings.backlog {
            None => None,
            Some(backlog) => Some(backlog.enter(patience).ok_or(Refusal::Full)?),
        };
        if shared.ledger.accept() {
            Ok(place)
        } else {
            Err(shared.refusal())
        }
    }

    /// Queues a job that was admitted.
    pub(crate) fn enqueue<F, R>(&self, place: Option<Place>, job: F) -> Handle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        match place {
            None => self.queue(task::new(job)),
            Some(place) => self.queue(task::new(move || {
                // Not pending any more. When the job is cancelled, its place goes with the closure.
                drop(place);
                job()
            })),
        }
    }

    fn queue<R: 'static>(&self, (job, outcome): (JobRef, OutcomeRef<R>)) -> Handle<R> {
        let shared = self.shared();
        shared.queue(job);
        let soon = shared.sleep.notify(1);
        crew::grow(shared);
        Handle::new(outcome, shared.id, soon)
    }
}
