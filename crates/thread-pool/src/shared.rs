//! [`Shared`], the state that a pool, its workers and its handles share: the queues, the counts and
//! the settings.

use std::sync::{Arc, OnceLock};

use crate::backlog::Backlog;
use crate::deadlock::WaitGraph;
use crate::error::{JobError, Refusal};
use crate::initializer::{self, Initializer, InitializerError};
use crate::ledger::Ledger;
use crate::panic::drop_quietly;
use crate::sleep::Sleep;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::deque::{Injector, Steal, Stealer};
use crate::task::TaskRef;
use crate::workers::Workers;

/// The ID of a pool, by which a handle recognises a worker of its own pool without keeping the pool
/// alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PoolId(usize);

impl PoolId {
    fn next() -> Self {
        // Always the atomic of std, even in model checks: the counter is static and not part of a
        // protocol between threads.
        static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The settings that matter after the pool was built.
pub(crate) struct Settings {
    pub(crate) max_inline_depth: usize,
    pub(crate) backlog: Option<Arc<Backlog>>,
    pub(crate) initializer: Option<Arc<Initializer>>,
}

pub(crate) struct Shared {
    pub(crate) id: PoolId,
    pub(crate) injector: Injector<TaskRef>,
    /// The stealing end of each worker's own deque.
    pub(crate) stealers: Box<[Stealer<TaskRef>]>,
    pub(crate) sleep: Sleep,
    pub(crate) workers: Workers,
    pub(crate) ledger: Ledger,
    pub(crate) wait_graph: WaitGraph,
    pub(crate) settings: Settings,
    /// The failure of an initializer, which closed the pool and cancelled its jobs.
    failure: OnceLock<InitializerError>,
    /// Set by a shutdown that cancels: workers then cancel the jobs they take.
    cancelling: AtomicBool,
    cancelled: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(
        stealers: Box<[Stealer<TaskRef>]>,
        sleep: Sleep,
        workers: Workers,
        settings: Settings,
    ) -> Self {
        Self {
            id: PoolId::next(),
            injector: Injector::new(),
            ledger: Ledger::new(stealers.len()),
            wait_graph: WaitGraph::new(stealers.len()),
            stealers,
            sleep,
            workers,
            settings,
            failure: OnceLock::new(),
            cancelling: AtomicBool::new(false),
            cancelled: AtomicUsize::new(0),
        }
    }

    pub(crate) fn has_queued(&self) -> bool {
        !self.injector.is_empty() || self.stealers.iter().any(|stealer| !stealer.is_empty())
    }

    /// Refuses new jobs. The workers exit once the queues are empty.
    pub(crate) fn close(&self) {
        self.ledger.close();
        if let Some(backlog) = &self.settings.backlog {
            backlog.close();
        }
        self.sleep.wake_all();
    }

    /// The reason why a closed pool refuses a job.
    pub(crate) fn refusal(&self) -> Refusal {
        match self.failure.get() {
            Some(cause) => Refusal::Initializer(cause.clone()),
            None => Refusal::Closed,
        }
    }

    /// The error of a job that the pool no longer runs.
    pub(crate) fn cancel_error(&self) -> JobError {
        match self.failure.get() {
            Some(cause) => JobError::Initializer(cause.clone()),
            None => JobError::Cancelled,
        }
    }

    /// Runs the initializer, a worker's first step. A failure closes the pool and fails the queued
    /// jobs.
    pub(crate) fn initialize(&self, worker: usize) {
        if let Some(initializer) = &self.settings.initializer
            && let Err(cause) = initializer::run(&**initializer, worker)
        {
            // The first failure stays the cause. It is set before the pool is seen closed.
            drop_quietly(self.failure.set(cause));
            self.close_and_cancel();
        }
    }

    /// Closes the pool and cancels the queued jobs.
    pub(crate) fn close_and_cancel(&self) {
        self.close();
        // The flag comes first, for accepted jobs that reach their queue only after it is emptied
        // here.
        self.cancelling.store(true, Ordering::SeqCst);
        self.cancel_all(|| self.injector.steal());
        for stealer in &self.stealers {
            self.cancel_all(|| stealer.steal());
        }
    }

    fn cancel_all(&self, steal: impl Fn() -> Steal<TaskRef>) {
        loop {
            match steal() {
                Steal::Success(job) => {
                    self.take(self.ledger.outsider());
                    self.cancel(&job);
                }
                Steal::Retry => {}
                Steal::Empty => return,
            }
        }
    }

    /// Counts a job as taken off its queue. Taking the last job of a closed pool wakes all workers,
    /// so that they exit.
    pub(crate) fn take(&self, worker: usize) {
        if self.ledger.take(worker) {
            self.sleep.wake_all();
        }
    }

    pub(crate) fn is_cancelling(&self) -> bool {
        self.cancelling.load(Ordering::SeqCst)
    }

    pub(crate) fn cancel(&self, job: &TaskRef) {
        if job.cancel(self.cancel_error()) {
            self.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The number of jobs that a shutdown has cancelled, final once the workers have exited.
    pub(crate) fn cancelled(&self) -> usize {
        self.cancelled.load(Ordering::Relaxed)
    }
}
