//! The worker: where it looks for jobs, how it runs them, and what it may do while it waits for one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::slice;
use std::sync::Arc;

use crossbeam_deque::{Steal, Worker as Deque};
use crossbeam_utils::Backoff;
use crossbeam_utils::sync::Parker;

use crate::crew;
use crate::panic::drop_contained;
use crate::shared::{JobRef, PoolId, Shared};
use crate::task::Progress;
use crate::waits::{Blocked, Deadlock};

/// Every so many jobs a worker looks at the shared queue before its own, so that jobs which submit jobs without end
/// cannot starve what comes from outside. A prime, so that it does not fall in step with a pattern in the jobs.
const SHARED_FIRST_EVERY: usize = 61;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Worker>>> = const { RefCell::new(None) };
}

/// Calls `f` with this thread's worker, if this thread is a worker of that pool.
pub(crate) fn with_current<T>(pool: PoolId, f: impl FnOnce(Option<&Worker>) -> T) -> T {
    f(current(pool).as_deref())
}

fn current(pool: PoolId) -> Option<Rc<Worker>> {
    // Gone, or borrowed to be cleared, only while a thread ends: then it is no worker any more.
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
    /// What jobs on this worker submit. First in, first out, as submissions from outside are.
    deque: Deque<JobRef>,
    /// How many waits on this worker's stack are running what they wait for.
    depth: Cell<usize>,
    ticks: Cell<usize>,
}

/// The main function of a worker, from its first job to its last. Returns the deque, empty.
pub(crate) fn main(
    shared: &Arc<Shared>,
    index: usize,
    deque: Deque<JobRef>,
    parker: &Parker,
) -> Option<Deque<JobRef>> {
    let worker = Rc::new(Worker {
        shared: Arc::clone(shared),
        index,
        deque,
        depth: Cell::new(0),
        ticks: Cell::new(0),
    });
    CURRENT.set(Some(Rc::clone(&worker)));
    shared.initialize(index);
    shared.crew.ready();
    while let Some(job) = worker.next(parker) {
        worker.execute(job);
    }
    CURRENT.set(None);
    Rc::into_inner(worker).map(|worker| worker.deque)
}

impl Worker {
    pub(crate) fn push(&self, job: JobRef) {
        self.deque.push(job);
    }

    /// Before blocking on `job`: runs it right here if nobody has started it, and no other job.
    ///
    /// Any other job might take a lock that is held further down this very stack. The job waited for may do so too, but
    /// then it would have deadlocked on any other thread as well.
    pub(crate) fn before_wait(&self, job: &JobRef) -> Result<Option<Blocked<'_>>, Deadlock> {
        if matches!(job.progress(), Progress::Pending) {
            // Whoever ran it, it is not pending any more after this.
            self.inline(|| job.run(self.index))?;
        }
        self.before_block(slice::from_ref(job))
    }

    /// Before blocking until one of `jobs`, which all run elsewhere, has ended.
    pub(crate) fn before_block(&self, jobs: &[JobRef]) -> Result<Option<Blocked<'_>>, Deadlock> {
        self.shared.waits.block(self.index, jobs)
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Whether nothing more may be run inline on this stack.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.depth.get() >= self.shared.settings.max_inline_depth
    }

    /// Runs what is waited for on the waiter's stack, unless that is too deep already. `f` must not unwind.
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

    fn execute(&self, job: JobRef) {
        if self.shared.is_cancelling() {
            self.shared.cancel(&*job);
        } else {
            job.run(self.index);
        }
        // The last reference, and with it the result, when the handle was dropped.
        drop_contained(job);
    }

    /// The next job, when there is one. `None` when the pool is closed and its queues are empty, or when there was nothing
    /// to do for so long that this worker may go home.
    fn next(&self, parker: &Parker) -> Option<JobRef> {
        if let Some(job) = self.find() {
            return Some(job);
        }
        let shared = &*self.shared;
        shared.sleep.start_search();
        loop {
            let backoff = Backoff::new();
            // Some 5 µs of spinning, then a few yields: short enough to cost an idle machine nothing.
            while !backoff.is_completed() {
                if let Some(job) = self.find() {
                    shared.sleep.stop_search(|| shared.has_queued());
                    crew::grow(&self.shared);
                    return Some(job);
                }
                if shared.ledger.is_drained() {
                    shared.sleep.stop_search(|| false);
                    return None;
                }
                backoff.snooze();
            }
            let limit = shared.crew.idle_limit();
            let woken = shared.sleep.sleep(self.index, parker, limit, || {
                shared.has_queued() || shared.ledger.is_drained()
            });
            if !woken && shared.crew.may_go_home() {
                shared.sleep.stop_search(|| shared.has_queued());
                crew::grow(&self.shared);
                return None;
            }
        }
    }

    fn find(&self) -> Option<JobRef> {
        let ticks = self.ticks.get().wrapping_add(1);
        self.ticks.set(ticks);
        let job = if ticks.is_multiple_of(SHARED_FIRST_EVERY) {
            self.find_shared()
                .or_else(|| self.deque.pop())
                .or_else(|| self.find_elsewhere())
        } else {
            self.deque
                .pop()
                .or_else(|| self.find_shared())
                .or_else(|| self.find_elsewhere())
        }?;
        self.shared.take(self.index);
        Some(job)
    }

    fn find_shared(&self) -> Option<JobRef> {
        until_settled(|| self.shared.injector.steal())
    }

    fn find_elsewhere(&self) -> Option<JobRef> {
        let (before, from) = self.shared.stealers.split_at(self.index);
        // Each worker starts at its neighbour, so that the thieves spread out.
        from.iter()
            .skip(1)
            .chain(before)
            .find_map(|stealer| until_settled(|| stealer.steal()))
    }
}

fn until_settled(steal: impl Fn() -> Steal<JobRef>) -> Option<JobRef> {
    loop {
        match steal() {
            Steal::Success(job) => return Some(job),
            Steal::Retry => std::hint::spin_loop(),
            Steal::Empty => return None,
        }
    }
}
