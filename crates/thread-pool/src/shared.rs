//! What the pool, its workers and its handles have in common: the queues and who may still use them.

use std::sync::{Arc, OnceLock};

use crate::backlog::Backlog;
use crate::crew::Crew;
use crate::initializer::{self, Initializer};
use crate::ledger::Ledger;
use crate::panic::drop_contained;
use crate::sleep::Sleep;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::deque::{Injector, Steal, Stealer};
use crate::task::JobRef;
use crate::waits::Waits;
use crate::{InitializerError, JobError, Refusal, worker};

/// Tells pools apart without keeping them alive: a handle asks whether it is waited for on a worker of its own pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PoolId(usize);

impl PoolId {
    fn next() -> Self {
        // Always the standard library's atomic, also in model checks: the counter is static, and no
        // part of a protocol between threads.
        static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What the user chose.
pub(crate) struct Settings {
    pub(crate) max_inline_depth: usize,
    pub(crate) backlog: Option<Arc<Backlog>>,
    pub(crate) initializer: Option<Arc<Initializer>>,
}

pub(crate) struct Shared {
    pub(crate) id: PoolId,
    pub(crate) injector: Injector<JobRef>,
    /// The taking end of each worker's own deque.
    pub(crate) stealers: Box<[Stealer<JobRef>]>,
    pub(crate) sleep: Sleep,
    pub(crate) crew: Crew,
    pub(crate) ledger: Ledger,
    pub(crate) waits: Waits,
    pub(crate) settings: Settings,
    /// Why the pool was closed and its jobs cancelled, if an initializer failed.
    failure: OnceLock<InitializerError>,
    /// Set by a shutdown that cancels: workers then cancel what they take.
    cancelling: AtomicBool,
    cancelled: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(
        stealers: Box<[Stealer<JobRef>]>,
        sleep: Sleep,
        crew: Crew,
        settings: Settings,
    ) -> Self {
        Self {
            id: PoolId::next(),
            injector: Injector::new(),
            ledger: Ledger::new(stealers.len()),
            waits: Waits::new(stealers.len()),
            stealers,
            sleep,
            crew,
            settings,
            failure: OnceLock::new(),
            cancelling: AtomicBool::new(false),
            cancelled: AtomicUsize::new(0),
        }
    }

    /// Queues a job that the ledger accepted: on the worker's own deque if this is one of the pool, else for all.
    /// The caller notifies, so that many jobs can be queued with one notice.
    pub(crate) fn queue(&self, job: JobRef) {
        worker::with_current(self.id, |worker| match worker {
            Some(worker) => worker.push(job),
            None => self.injector.push(job),
        });
    }

    pub(crate) fn has_queued(&self) -> bool {
        !self.injector.is_empty() || self.stealers.iter().any(|stealer| !stealer.is_empty())
    }

    /// Takes no more jobs. The workers end once the queues are empty.
    pub(crate) fn close(&self) {
        self.ledger.close();
        if let Some(backlog) = &self.settings.backlog {
            backlog.close();
        }
        self.sleep.wake_all();
    }

    /// Why a closed pool takes no job.
    pub(crate) fn refusal(&self) -> Refusal {
        match self.failure.get() {
            Some(cause) => Refusal::Initializer(cause.clone()),
            None => Refusal::Closed,
        }
    }

    /// What becomes of a job that the pool does not run any more.
    pub(crate) fn cancel_error(&self) -> JobError {
        match self.failure.get() {
            Some(cause) => JobError::Initializer(cause.clone()),
            None => JobError::Cancelled,
        }
    }

    /// The first thing that a worker does. Should it fail, the pool is closed and what is queued fails with the cause.
    pub(crate) fn initialize(&self, worker: usize) {
        if let Some(initializer) = &self.settings.initializer
            && let Err(cause) = initializer::run(&**initializer, worker)
        {
            // The first failure stays the cause. It is there before the pool is seen to be closed.
            drop_contained(self.failure.set(cause));
            self.close_and_cancel();
        }
    }

    /// Closes, and cancels what is queued.
    pub(crate) fn close_and_cancel(&self) {
        self.close();
        // First the flag, for what was accepted but reaches its queue only after it was looked at here.
        self.cancelling.store(true, Ordering::SeqCst);
        self.cancel_all(|| self.injector.steal());
        for stealer in &self.stealers {
            self.cancel_all(|| stealer.steal());
        }
    }

    fn cancel_all(&self, steal: impl Fn() -> Steal<JobRef>) {
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

    /// Counts a job as taken off its queue; whoever takes the last one of a closed pool sends the others home.
    pub(crate) fn take(&self, worker: usize) {
        if self.ledger.take(worker) {
            self.sleep.wake_all();
        }
    }

    pub(crate) fn is_cancelling(&self) -> bool {
        self.cancelling.load(Ordering::SeqCst)
    }

    pub(crate) fn cancel(&self, job: &JobRef) {
        if job.cancel(self.cancel_error()) {
            self.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many jobs a cancelling shutdown has cancelled. Final once the workers have ended.
    pub(crate) fn cancelled(&self) -> usize {
        self.cancelled.load(Ordering::Relaxed)
    }
}
