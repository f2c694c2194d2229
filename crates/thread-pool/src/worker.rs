//! [`Worker`], one worker of a pool: where it finds jobs, how it runs them, and what it may run
//! while it waits for one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::slice;
use std::sync::Arc;

use crate::deadlock::{Blocked, Deadlock};
use crate::shared::{PoolId, Shared};
use crate::sync::deque::{Steal, Worker as Deque};
use crate::sync::thread_local;
use crate::task::{Progress, TaskRef};

/// For every 61st job a worker looks into the shared queue before its own, so that jobs which keep
/// submitting jobs cannot starve those from outside. A prime, to avoid resonance with patterns in
/// the jobs.
const SHARED_FIRST_EVERY: usize = 61;

/// For every 67th job it looks into the other workers' queues first, so that a job submitted by a
/// worker that then blocks or computes is not starved by jobs from this worker or from outside.
/// Also a prime.
const OTHERS_FIRST_EVERY: usize = 67;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Worker>>> = const { RefCell::new(None) };
}

/// Calls `f` with the worker that this thread is, if it belongs to `pool`.
pub(crate) fn with_current<T>(pool: PoolId, f: impl FnOnce(Option<&Worker>) -> T) -> T {
    f(current(pool).as_deref())
}

fn current(pool: PoolId) -> Option<Rc<Worker>> {
    // Destroyed or mutably borrowed only while the thread exits, when it is no longer a worker.
    CURRENT
        .try_with(|current| {
            current
                .try_borrow()
                .ok()?
                .as_ref()
                .filter(|worker| worker.shared.id == pool)
                .map(Rc::clone)
        })
        .ok()
        .flatten()
}

pub(crate) struct Worker {
    shared: Arc<Shared>,
    index: usize,
    /// The jobs submitted on this worker, first in, first out like those from outside.
    deque: Deque<TaskRef>,
    /// The number of waits on this worker's stack that run their jobs inline.
    depth: Cell<usize>,
    ticks: Cell<usize>,
}

/// Queues a job that the ledger accepted: on the deque of this thread if it is a worker of the
/// pool, otherwise for all workers. The caller notifies, so that one notification can cover many
/// jobs.
pub(crate) fn queue(shared: &Shared, job: TaskRef) {
    with_current(shared.id, |worker| match worker {
        Some(worker) => worker.deque.push(job),
        None => shared.injector.push(job),
    });
}

impl Worker {
    /// Makes this thread a worker, until it calls [`leave`](Self::leave).
    pub(crate) fn enter(shared: &Arc<Shared>, index: usize, deque: Deque<TaskRef>) -> Rc<Self> {
        let worker = Rc::new(Self {
            shared: Arc::clone(shared),
            index,
            deque,
            depth: Cell::new(0),
            ticks: Cell::new(0),
        });
        CURRENT.with(|current| current.replace(Some(Rc::clone(&worker))));
        worker
    }

    /// Returns the empty deque. The thread is no longer a worker.
    pub(crate) fn leave(worker: Rc<Self>) -> Option<Deque<TaskRef>> {
        CURRENT.with(|current| current.replace(None));
        Rc::into_inner(worker).map(|worker| worker.deque)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Prepares to block on `job`: runs it inline if it is pending.
    ///
    /// No other job may run here, since it might need a lock that is held further down this stack.
    /// The awaited job may need one too, but then it would have deadlocked on any thread.
    pub(crate) fn before_wait(&self, job: &TaskRef) -> Result<Option<Blocked<'_>>, Deadlock> {
        if matches!(job.progress(), Progress::Pending) {
            // Afterwards it is no longer pending, whichever thread ran it.
            self.inline(|| job.run(self.index))?;
        }
        self.before_block(slice::from_ref(job))
    }

    /// Prepares to block until one of `jobs`, which all run elsewhere, has ended.
    pub(crate) fn before_block(&self, jobs: &[TaskRef]) -> Result<Option<Blocked<'_>>, Deadlock> {
        self.shared.wait_graph.block(self.index, jobs)
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Whether this stack has reached the limit of inline runs.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.depth.get() >= self.shared.settings.max_inline_depth
    }

    /// Runs an awaited job inline on the waiter's stack, unless that is too deep. `f` must not
    /// unwind.
    pub(crate) fn inline<T>(&self, f: impl FnOnce() -> T) -> Result<T, Deadlock> {
        let depth = self.depth.get();
        if depth >= self.shared.settings.max_inline_depth {
            return Err(Deadlock);
        }
        self.depth.set(depth + 1);
        let value = f();
        self.depth.set(depth);
        Ok(value)
    }

    /// Runs a job, or cancels it if the pool cancels its jobs.
    #[inline]
    pub(crate) fn execute(&self, job: TaskRef) {
        if self.shared.is_cancelling() {
            self.shared.cancel(&job);
        } else {
            job.run_and_drop(self.index);
        }
    }

    /// Takes a job off a queue and counts it in the ledger.
    #[inline]
    pub(crate) fn find(&self) -> Option<TaskRef> {
        let ticks = self.ticks.get().wrapping_add(1);
        self.ticks.set(ticks);
        let job = if ticks.is_multiple_of(SHARED_FIRST_EVERY) {
            self.find_shared()
                .or_else(|| self.deque.pop())
                .or_else(|| self.find_elsewhere())
        } else if ticks.is_multiple_of(OTHERS_FIRST_EVERY) {
            self.find_elsewhere_in_turn(ticks)
                .or_else(|| self.deque.pop())
                .or_else(|| self.find_shared())
        } else {
            self.deque
                .pop()
                .or_else(|| self.find_shared())
                .or_else(|| self.find_elsewhere())
        }?;
        self.shared.take(self.index);
        Some(job)
    }

    fn find_shared(&self) -> Option<TaskRef> {
        until_settled(|| self.shared.injector.steal())
    }

    fn find_elsewhere(&self) -> Option<TaskRef> {
        let (before, from) = self.shared.stealers.split_at(self.index);
        // Each worker starts at its neighbour, so that thieves spread out.
        from.iter()
            .skip(1)
            .chain(before)
            .find_map(|stealer| until_settled(|| stealer.steal()))
    }

    /// Starts at a different worker each time, so that none is always last. It may look at its own
    /// deque, which is harmless.
    fn find_elsewhere_in_turn(&self, ticks: usize) -> Option<TaskRef> {
        let stealers = &self.shared.stealers;
        let (before, from) = stealers.split_at(ticks / OTHERS_FIRST_EVERY % stealers.len());
        from.iter()
            .chain(before)
            .find_map(|stealer| until_settled(|| stealer.steal()))
    }
}

fn until_settled(steal: impl Fn() -> Steal<TaskRef>) -> Option<TaskRef> {
    loop {
        match steal() {
            Steal::Success(job) => return Some(job),
            Steal::Retry => std::hint::spin_loop(),
            Steal::Empty => return None,
        }
    }
}
