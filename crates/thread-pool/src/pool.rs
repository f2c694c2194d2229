//! The pool itself: what it is made of, closing and shutting down.

use std::fmt;
use std::process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::reports::Listed;
use crate::shared::Shared;
use crate::sync::thread;
use crate::{BuildError, Builder, JobError, Mapping, StillRunning, worker};

/// A set of threads, of fixed size unless asked otherwise, that run jobs.
///
/// Dropping the pool is the same as [`shutdown`](Self::shutdown): it finishes every job it accepted, and blocks for as
/// long as that takes. Where that is too long, call [`shutdown_now`](Self::shutdown_now) or
/// [`shutdown_timeout`](Self::shutdown_timeout) instead.
///
/// A pool can be shared with its own jobs in an [`Arc`]. When the last of these is dropped by a job, on a worker of the
/// pool, the drop does not wait (a thread cannot join itself): the workers finish what was accepted and end by
/// themselves.
pub struct ThreadPool {
    shared: Arc<Shared>,
    reports: Listed,
    /// The process that the threads belong to.
    process: u32,
}

impl ThreadPool {
    /// A pool of that many workers.
    ///
    /// # Errors
    /// As [`Builder::build`].
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), effective_thread_pool::BuildError> {
    /// let pool = effective_thread_pool::ThreadPool::new(4)?;
    /// let lengths = pool.map(["one", "three"], str::len);
    /// assert!(matches!(lengths[..], [Ok(3), Ok(5)]));
    /// # Ok(()) }
    /// ```
    pub fn new(workers: usize) -> Result<Self, BuildError> {
        Self::builder().workers(workers).build()
    }

    /// The settings of a pool, to be changed and built.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn from_parts(shared: Arc<Shared>, reports: Listed) -> Self {
        Self {
            shared,
            reports,
            process: process::id(),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// How many workers the pool has, or may have if it [grows and shrinks](Builder::min_workers).
    pub fn workers(&self) -> usize {
        self.shared.stealers.len()
    }

    /// How many threads the pool has at this moment: another number than [`workers`](Self::workers) if it
    /// [grows and shrinks](Builder::min_workers), or when it ends.
    pub fn threads(&self) -> usize {
        self.shared.crew.live()
    }

    /// How many accepted jobs no worker has taken up yet. While jobs come and go it is an estimate.
    ///
    /// A job that was cancelled is counted until a worker comes across it.
    pub fn queued(&self) -> usize {
        self.shared.ledger.queued()
    }

    /// How many [completion callbacks](crate::Handle::on_complete) of this pool's jobs have panicked.
    pub fn callback_panics(&self) -> usize {
        self.reports.panics()
    }

    /// Applies `f` to each input and returns one result per input, in the order of the inputs.
    ///
    /// It blocks until all are done. At most all workers take part: at most that many calls of `f` run at once. A
    /// worker claims the next few inputs at a time: one, if each takes long; more, if they are so short that claiming
    /// would show. [`mapping`](Self::mapping) has the settings, and a form that does not block.
    ///
    /// Called on one of the pool's own workers, that worker takes part, so that a full pool goes on.
    ///
    /// When this returns, `f` and all inputs have been dropped.
    ///
    /// # Errors
    /// Per input: [`JobError::Panicked`] if `f` panicked on it (the others are done all the same), and, for inputs on
    /// which `f` was never called, [`JobError::Cancelled`] if the pool is closed, or [`JobError::WouldDeadlock`] if maps
    /// are nested deeper than [`Builder::max_inline_depth`] allows.
    ///
    /// # Panics
    /// Only if the iterator of the inputs does; then nothing has started.
    pub fn map<I, F, R>(&self, inputs: I, f: F) -> Vec<Result<R, JobError>>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Send + 'static,
    {
        self.mapping().run(inputs, f)
    }

    /// A `map` with settings: how many inputs a worker claims at once, and how many workers take part.
    pub fn mapping(&self) -> Mapping<'_> {
        Mapping::new(self)
    }

    /// Takes no more jobs from now on. What was accepted still runs. This does not wait, and closing twice is fine.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Takes no more jobs, finishes those accepted, and joins the threads.
    ///
    /// Called by a job of this very pool it does not wait, as on a drop.
    pub fn shutdown(self) {
        drop(self);
    }

    /// As [`shutdown`](Self::shutdown), for at most that long.
    ///
    /// # Errors
    /// [`StillRunning`] when the time ran out: the workers are let go, finish what was accepted and end by themselves.
    /// Handles stay good. Called by a job of this very pool, which cannot end before this returns, the error comes at
    /// once.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Result<(), StillRunning> {
        self.shared.close();
        self.join_for(timeout)
    }

    /// Takes no more jobs, cancels those that have not started, waits for those that run, and joins the threads.
    /// Returns how many were cancelled; their handles say [`JobError::Cancelled`]. A `map` counts as one
    /// job for each worker that had not come to it yet.
    ///
    /// Called by a job of this very pool it does not wait; more jobs may be cancelled after it returns.
    pub fn shutdown_now(mut self) -> usize {
        self.shared.close_and_cancel();
        self.join();
        self.shared.cancelled()
    }

    /// As [`shutdown_now`](Self::shutdown_now), for at most that long.
    ///
    /// # Errors
    /// [`StillRunning`], as from [`shutdown_timeout`](Self::shutdown_timeout).
    pub fn shutdown_now_timeout(mut self, timeout: Duration) -> Result<usize, StillRunning> {
        self.shared.close_and_cancel();
        self.join_for(timeout)?;
        Ok(self.shared.cancelled())
    }

    pub(crate) fn on_own_worker(&self) -> bool {
        worker::with_current(self.shared.id, |worker| worker.is_some())
    }

    /// As [`on_own_worker`](Self::on_own_worker), but also when the thread is a worker no longer and runs the destructors
    /// of its thread-locals, one of which may hold the pool.
    fn on_own_thread(&self) -> bool {
        self.shared.crew.includes(thread::current().id())
    }

    /// Whether this is a child that was forked. The workers are not here then, and a lock that one of them held stays
    /// locked.
    fn is_forked(&self) -> bool {
        self.process != process::id()
    }

    fn join_for(&mut self, timeout: Duration) -> Result<(), StillRunning> {
        // A time beyond the clock's range is no limit.
        let deadline = if self.on_own_thread() {
            Some(Instant::now())
        } else {
            Instant::now().checked_add(timeout)
        };
        let workers = self.shared.crew.wait(deadline);
        if workers > 0 {
            // Let go.
            drop(self.shared.crew.close());
            return Err(StillRunning {
                workers,
                queued: self.shared.ledger.queued(),
            });
        }
        // They have reported their end with the last of their thread-locals: joining them takes no time.
        self.join();
        Ok(())
    }

    fn join(&mut self) {
        if self.is_forked() {
            return;
        }
        let on_own_thread = self.on_own_thread();
        let Some(threads) = self.shared.crew.close() else {
            return;
        };
        if on_own_thread {
            return;
        }
        for thread in threads {
            // A worker contains the panics of jobs; what is left is a thread-local of a job that panicked when dropped,
            // and that aborts the process before this could see it.
            let _ = thread.join();
        }
        // Those too that went home before and are at their thread-locals.
        self.shared.crew.wait(None);
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        if self.is_forked() {
            return;
        }
        self.shared.close();
        self.join();
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool")
            .field("workers", &self.workers())
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}
