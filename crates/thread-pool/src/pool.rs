//! [`ThreadPool`]: its parts, closing it and shutting it down.

use std::fmt;
use std::process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::StillRunning;
use crate::reports::Registration;
use crate::shared::Shared;
use crate::sync::thread;
use crate::worker;

/// A set of worker threads that run jobs. Its size is fixed unless set otherwise.
///
/// Dropping the pool is the same as [`shutdown`](Self::shutdown): it blocks until every accepted
/// job has finished. If that may take too long, call [`shutdown_now`](Self::shutdown_now) or
/// [`shutdown_timeout`](Self::shutdown_timeout) instead.
///
/// A pool can be shared with its own jobs in an [`Arc`]. If a job drops the last reference, on a
/// worker of the pool, the drop does not wait, since a thread cannot join itself: the workers
/// finish all accepted jobs and then exit.
pub struct ThreadPool {
    shared: Arc<Shared>,
    reports: Registration,
    /// The ID of the process that has the threads.
    process: u32,
}

impl ThreadPool {
    pub(crate) fn from_parts(shared: Arc<Shared>, reports: Registration) -> Self {
        Self {
            shared,
            reports,
            process: process::id(),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The number of workers, or the maximum if the pool [grows and
    /// shrinks](crate::Builder::min_workers).
    pub fn workers(&self) -> usize {
        self.shared.stealers.len()
    }

    /// The number of threads right now. It differs from [`workers`](Self::workers) if the pool
    /// [grows and shrinks](crate::Builder::min_workers) or shuts down.
    pub fn threads(&self) -> usize {
        self.shared.workers.live()
    }

    /// The number of accepted jobs that no worker has taken yet, an estimate while jobs come and
    /// go.
    ///
    /// A cancelled job is counted until a worker removes it from the queue.
    pub fn queued(&self) -> usize {
        self.shared.ledger.queued()
    }

    /// The number of [completion callbacks](crate::Handle::on_complete) of this pool's jobs that
    /// have panicked.
    pub fn callback_panics(&self) -> usize {
        self.reports.panics()
    }

    /// Refuses jobs from now on; accepted jobs still run. Does not block, and may be called again.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Refuses new jobs, finishes the accepted ones, and joins the threads.
    ///
    /// Like a drop, it does not wait if a job of this pool calls it.
    pub fn shutdown(self) {
        drop(self);
    }

    /// As [`shutdown`](Self::shutdown), but waits for at most `timeout`.
    ///
    /// # Errors
    /// [`StillRunning`] if workers were still running after `timeout`. They are detached, finish
    /// all accepted jobs and exit; handles stay valid. If a job of this pool calls it, the error
    /// comes at once, since that job cannot end before this returns.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Result<(), StillRunning> {
        self.shared.close();
        self.join_for(timeout)
    }

    /// Refuses new jobs, cancels the pending ones, waits for the running ones, and joins the
    /// threads. Returns the number of cancelled jobs, whose handles return
    /// [`JobError::Cancelled`](crate::JobError::Cancelled). A `map` counts as one job per worker
    /// that had not joined it yet.
    ///
    /// If a job of this pool calls it, it does not wait, and more jobs may be cancelled later.
    pub fn shutdown_now(mut self) -> usize {
        self.shared.close_and_cancel();
        self.join();
        self.shared.cancelled()
    }

    /// As [`shutdown_now`](Self::shutdown_now), but waits for at most `timeout`.
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

    /// As [`on_own_worker`](Self::on_own_worker), but also true while a worker that has left its
    /// loop runs the destructors of its thread-locals, one of which may hold the pool.
    fn on_own_thread(&self) -> bool {
        self.shared.workers.includes(thread::current().id())
    }

    /// Whether this process is a forked child. It has no workers, and a lock that one of them held
    /// at the fork stays locked.
    fn is_forked(&self) -> bool {
        self.process != process::id()
    }

    fn join_for(&mut self, timeout: Duration) -> Result<(), StillRunning> {
        // A deadline beyond the clock's range is no deadline.
        let deadline = if self.on_own_thread() {
            Some(Instant::now())
        } else {
            Instant::now().checked_add(timeout)
        };
        let workers = self.shared.workers.wait(deadline);
        if workers > 0 {
            // Detaches the threads.
            drop(self.shared.workers.close());
            return Err(StillRunning {
                workers,
                queued: self.shared.ledger.queued(),
            });
        }
        // They report their exit after the last of their thread-locals, so joining takes no time.
        self.join();
        Ok(())
    }

    fn join(&mut self) {
        if self.is_forked() {
            return;
        }
        let on_own_thread = self.on_own_thread();
        let Some(threads) = self.shared.workers.close() else {
            return;
        };
        if on_own_thread {
            return;
        }
        for thread in threads {
            // A worker catches the panics of jobs. A thread-local whose destructor panics aborts
            // the process before `join` could see it.
            let _ = thread.join();
        }
        // Retired workers may still be running the destructors of their thread-locals.
        self.shared.workers.wait(None);
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
