//! Submission of jobs, and the futures of their results.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::dispatch::IfFull;
use super::error::{OffloadError, Refusal, Refused};
use super::handle::Offload;
use super::job_cell::{AwaitedJob, BRIEF, JobCell};
use super::nesting;
use super::shared::{Blocked, Exhausted, Shared};
use crate::timer::Alarm;

impl Offload {
    /// Runs `job` on a thread of this offload and awaits its result. While `max_pending` jobs are
    /// pending, it first waits for room, in FIFO order.
    ///
    /// Nothing happens before the future is polled. Dropping it withdraws a job that has not
    /// started, which then never runs. A running job cannot be stopped: it keeps running and its
    /// result is dropped.
    ///
    /// A job may await another job of the same offload with
    /// [`block_on`](futures::executor::block_on) without starving it: the inner job takes
    /// precedence and gets a thread of its own, see [`max_threads`](crate::Builder::max_threads).
    ///
    /// # Errors
    /// [`OffloadError`] if the job panicked or never ran.
    ///
    /// # Panics
    /// If the future is polled after it has completed.
    pub fn run<F, R>(&self, job: F) -> Run<F, R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Run::new(self.clone(), job, None)
    }

    /// Like [`run`](Self::run), but for at most `timeout` from the first poll. It needs no timer of
    /// the runtime.
    ///
    /// # Errors
    /// [`OffloadError::TimedOut`] says whether the job had started. If not, it never runs.
    ///
    /// # Panics
    /// If the future is polled after it has completed.
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
    pub fn run_timeout<F, R>(&self, job: F, timeout: Duration) -> Run<F, R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Run::new(self.clone(), job, Some(timeout))
    }

    /// Submits a job at once if there is room, from a coroutine or any thread. Never blocks.
    ///
    /// # Errors
    /// [`Refused`] returns the job.
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
    pub fn try_run<F, R>(&self, job: F) -> Result<Job<R>, Refused<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Job::try_submit(self.shared(), job).map_err(|(reason, job)| Refused { job, reason })
    }
}

/// A job that is submitted at the first poll; see [`Offload::run`].
///
/// Dropping it withdraws a job that has not started, which then never runs. A running job keeps
/// running and its result is dropped.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Run<F, R> {
    offload: Offload,
    timeout: Option<Duration>,
    step: Step<F, R>,
}

enum Step<F, R> {
    New(F),
    Pending(Job<R>),
    Done,
}

impl<F, R> Run<F, R> {
    fn new(offload: Offload, job: F, timeout: Option<Duration>) -> Self {
        Self {
            offload,
            timeout,
            step: Step::New(job),
        }
    }
}

// No field is pinned.
impl<F, R> Unpin for Run<F, R> {}

impl<F, R> Future for Run<F, R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    type Output = Result<R, OffloadError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Step::New(_) = this.step {
            let Step::New(job) = mem::replace(&mut this.step, Step::Done) else {
                return Poll::Pending;
            };
            let mut job = Job::submit(this.offload.shared(), job);
            if let Some(timeout) = this.timeout {
                job.set_timeout(timeout);
            }
            this.step = Step::Pending(job);
        }
        let Step::Pending(job) = &mut this.step else {
            panic!("a future of an offload was polled after it had completed");
        };
        let polled = job.poll_result(cx.waker());
        if polled.is_ready() {
            this.step = Step::Done;
        }
        polled
    }
}

impl<F, R> fmt::Debug for Run<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

/// The handle of an accepted job, and the future of its result; see [`Offload::try_run`].
///
/// Dropping it withdraws a job that has not started, which then never runs. A running job keeps
/// running and its result is dropped. [`detach`](Self::detach) lets the job run in any case.
#[must_use = "dropping it cancels the job"]
pub struct Job<R> {
    /// `None` once the result was taken or the job detached.
    cell: Option<Arc<dyn AwaitedJob<R>>>,
    shared: Arc<Shared>,
    /// A spinning worker is about to take the job, and recent jobs were brief.
    soon: bool,
    limit: Option<Limit>,
    /// Set while a worker of an offload waits for the job.
    blocked: Option<Blocked>,
}

struct Limit {
    after: Duration,
    at: Instant,
    alarm: Option<Alarm>,
}

/// Creates the cell of a job that is submitted from here. If a job submits it, that job waits for
/// it only if `is_awaited`.
fn new_cell<F, R>(shared: &Shared, job: F, is_awaited: bool) -> JobCell<F, R> {
    let (origin, is_by_job) = nesting::current();
    let level = match &origin {
        Some(origin) if is_awaited || !is_by_job => origin.count(shared.number()),
        _ => 0,
    };
    JobCell::new(job, origin, level)
}

impl<R: Send + 'static> Job<R> {
    /// Submits a job, which waits for room if the queue is full. A refused job already has its
    /// error as its result.
    pub(crate) fn submit(shared: &Arc<Shared>, job: impl FnOnce() -> R + Send + 'static) -> Self {
        Self::submit_with(shared, job, IfFull::Wait, true)
    }

    /// Submits a job even if the queue is full: for a job that must not be lost, and of which a
    /// user value, such as a writer, has at most one at a time.
    pub(crate) fn submit_at_once(
        shared: &Arc<Shared>,
        job: impl FnOnce() -> R + Send + 'static,
    ) -> Self {
        Self::submit_with(shared, job, IfFull::Accept, false)
    }

    fn submit_with(
        shared: &Arc<Shared>,
        job: impl FnOnce() -> R + Send + 'static,
        full: IfFull,
        is_awaited: bool,
    ) -> Self {
        let cell = Arc::new(new_cell(shared, job, is_awaited));
        let soon = match shared.submit(Arc::clone(&cell) as _, full) {
            Ok(soon) => soon,
            Err((_, job)) => {
                job.fail(OffloadError::Closed);
                false
            }
        };
        Self::accepted(cell, shared, soon)
    }

    fn try_submit<F>(shared: &Arc<Shared>, job: F) -> Result<Self, (Refusal, F)>
    where
        F: FnOnce() -> R + Send + 'static,
    {
        let cell = Arc::new(new_cell(shared, job, false));
        match shared.submit(Arc::clone(&cell) as _, IfFull::Refuse) {
            Ok(soon) => Ok(Self::accepted(cell, shared, soon)),
            Err((reason, _)) => match cell.take_closure() {
                Some(job) => Err((reason, job)),
                None => unreachable!("a refused job was run"),
            },
        }
    }

    fn accepted(cell: Arc<dyn AwaitedJob<R>>, shared: &Arc<Shared>, soon: bool) -> Self {
        Self {
            cell: Some(cell),
            shared: Arc::clone(shared),
            soon,
            limit: None,
            blocked: None,
        }
    }

    fn set_timeout(&mut self, after: Duration) {
        // A timeout beyond the clock's range is none.
        self.limit = Instant::now().checked_add(after).map(|at| Limit {
            after,
            at,
            alarm: None,
        });
    }

    fn poll_result(&mut self, waker: &Waker) -> Poll<Result<R, OffloadError>> {
        let Some(cell) = &self.cell else {
            panic!("a future of an offload was polled after it had completed");
        };
        if mem::take(&mut self.soon)
            && let Some(result) = cell.result().spin_take(BRIEF)
        {
            self.end();
            return Poll::Ready(result);
        }
        // On a worker of an offload, some executor blocks on this future, and the job may need that
        // very worker.
        let has_entered = self.blocked.as_ref().is_some_and(Blocked::is_here);
        if !has_entered && !cell.result().is_set() {
            match Blocked::enter() {
                Ok(blocked) => {
                    self.blocked = blocked;
                    // The job may have been submitted before any other waited for it.
                    if let (Some(origin), _) = nesting::current()
                        && let level @ 1.. = origin.count(self.shared.number())
                    {
                        self.shared
                            .perform(self.shared.dispatch.promote(cell.entry(), level));
                    }
                }
                Err(Exhausted) => {
                    if self.shared.dispatch.withdraw(cell.entry()) {
                        cell.fail(OffloadError::WouldDeadlock);
                    }
                }
            }
        }
        if let Some(result) = cell.result().poll(waker) {
            self.end();
            return Poll::Ready(result);
        }
        match self.poll_limit(waker) {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Pending,
        }
    }

    /// Returns the error if the timeout has expired; else has the coroutine woken when it does.
    fn poll_limit(&mut self, waker: &Waker) -> Option<OffloadError> {
        let limit = self.limit.as_mut()?;
        if limit.at > Instant::now() {
            match &limit.alarm {
                Some(alarm) => alarm.update(waker),
                None => match Alarm::set(limit.at, waker) {
                    Ok(alarm) => limit.alarm = Some(alarm),
                    Err(error) => {
                        self.give_up();
                        return Some(OffloadError::NoThread(Arc::new(error)));
                    }
                },
            }
            return None;
        }
        let after = limit.after;
        let started = !self.give_up();
        Some(OffloadError::TimedOut { after, started })
    }
}

impl<R> Job<R> {
    /// Returns whether the job has ended, with a result or an error.
    pub fn is_done(&self) -> bool {
        self.cell.as_ref().is_none_or(|cell| cell.result().is_set())
    }

    /// Withdraws the job if it has not started. Returns whether it did: then the job never runs.
    pub fn cancel(mut self) -> bool {
        self.give_up()
    }

    /// Lets the job run without a handle. Its result is dropped; a panic is only seen by the panic
    /// hook. The job runs only while the process lives: before `main` returns, wait for it with
    /// [`Offload::shutdown_timeout`].
    pub fn detach(mut self) {
        if let Some(cell) = self.cell.take() {
            cell.result().abandon();
        }
    }

    /// Notes that the worker that waited for the job has resumed.
    pub(crate) fn unblock(&mut self) {
        self.blocked = None;
    }

    fn end(&mut self) {
        self.cell = None;
        self.blocked = None;
    }

    fn give_up(&mut self) -> bool {
        self.blocked = None;
        let Some(cell) = self.cell.take() else {
            return false;
        };
        let withdrawn = !cell.result().is_set() && self.shared.dispatch.withdraw(cell.entry());
        if withdrawn {
            cell.discard();
        }
        cell.result().abandon();
        withdrawn
    }
}

impl<R> Unpin for Job<R> {}

impl<R: Send + 'static> Future for Job<R> {
    type Output = Result<R, OffloadError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_result(cx.waker())
    }
}

impl<R> Drop for Job<R> {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<R> fmt::Debug for Job<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("is_done", &self.is_done())
            .finish_non_exhaustive()
    }
}
