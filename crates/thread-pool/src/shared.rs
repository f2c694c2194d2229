//! What the pool, its workers and its handles have in common: the queues and who may still use them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use crossbeam_deque::{Injector, Steal, Stealer};

use crate::ledger::Ledger;
use crate::lock;
use crate::sleep::Sleep;
use crate::task::Job;
use crate::waits::Waits;
use crate::worker;

pub(crate) type JobRef = Arc<dyn Job>;

/// Tells pools apart without keeping them alive: a handle asks whether it is waited for on a worker of its own pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolId(usize);

impl PoolId {
    fn next() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) struct Shared {
    pub(crate) id: PoolId,
    pub(crate) injector: Injector<JobRef>,
    /// The taking end of each worker's own deque.
    pub(crate) stealers: Box<[Stealer<JobRef>]>,
    pub(crate) sleep: Sleep,
    pub(crate) ledger: Ledger,
    pub(crate) waits: Waits,
    pub(crate) max_inline_depth: usize,
    /// Set by a shutdown that cancels: workers then cancel what they take.
    cancelling: AtomicBool,
    cancelled: AtomicUsize,
    ended: Mutex<usize>,
    one_ended: Condvar,
}

impl Shared {
    pub(crate) fn new(
        stealers: Box<[Stealer<JobRef>]>,
        sleep: Sleep,
        max_inline_depth: usize,
    ) -> Self {
        Self {
            id: PoolId::next(),
            injector: Injector::new(),
            ledger: Ledger::new(stealers.len()),
            waits: Waits::new(stealers.len()),
            stealers,
            sleep,
            max_inline_depth,
            cancelling: AtomicBool::new(false),
            cancelled: AtomicUsize::new(0),
            ended: Mutex::new(0),
            one_ended: Condvar::new(),
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
        self.sleep.wake_all();
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
                    self.cancel(&*job);
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

    pub(crate) fn cancel(&self, job: &dyn Job) {
        if job.cancel() {
            self.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many jobs a cancelling shutdown has cancelled. Final once the workers have ended.
    pub(crate) fn cancelled(&self) -> usize {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(crate) fn worker_ended(&self) {
        *lock(&self.ended) += 1;
        self.one_ended.notify_all();
    }

    /// Blocks until `workers` workers have ended or the deadline has passed, and says how many have not.
    pub(crate) fn wait_for_workers(&self, workers: usize, deadline: Option<Instant>) -> usize {
        let mut ended = lock(&self.ended);
        while *ended < workers {
            ended = match deadline {
                None => self
                    .one_ended
                    .wait(ended)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    self.one_ended
                        .wait_timeout(ended, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        workers - *ended
    }
}
