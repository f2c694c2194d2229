//! The worker threads of an offload, and what they share with its handles.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::Instant;

use super::dispatch::{Dispatch, IfFull};
use super::error::{OffloadError, Refusal};
use super::job_cell::AnyJob;
use super::job_list::{EntryState, Queued};
use super::nesting;
use super::state::{Action, Limits};
use crate::sync::{Condvar, Mutex, Thread, lock};
use crate::waiter::Waiter;

pub(crate) struct Shared {
    pub(super) dispatch: Dispatch<Arc<dyn AnyJob>>,
    /// Whether the job that ended last was brief.
    brief: AtomicBool,
    name_prefix: String,
    stack_size: Option<usize>,
    termination: Mutex<Termination>,
    all_exited: Condvar,
}

#[derive(Default)]
struct Termination {
    /// Threads that have not exited.
    live: usize,
    /// Coroutines that wait until all have.
    waiting: Vec<Waker>,
    /// The number of the thread that was started last.
    number: usize,
}

/// One worker thread.
struct Worker {
    shared: Arc<Shared>,
    waits: Mutex<Waits>,
    /// Whether its job was taken as an extra. Only written by the worker itself.
    is_extra: AtomicBool,
}

#[derive(Default)]
struct Waits {
    /// The number of the worker's current job, counting only jobs that have waited.
    job: u64,
    /// How many waits of this crate that job is in: several if it awaits several futures at once.
    count: usize,
}

impl Worker {
    /// Notes that a job has ended: a future that it polled and gave away no longer blocks this
    /// worker.
    fn end_job(&self) {
        let mut waits = lock(&self.waits);
        waits.job += 1;
        if std::mem::take(&mut waits.count) > 0 {
            self.shared.dispatch.unblock();
        }
    }
}

thread_local! {
    /// Set on the worker threads of offloads.
    static CURRENT_WORKER: RefCell<Option<Arc<Worker>>> = const { RefCell::new(None) };
}

fn current() -> Option<Arc<Worker>> {
    CURRENT_WORKER
        .try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

impl Queued for Arc<dyn AnyJob> {
    fn entry(&self) -> &EntryState {
        (**self).entry()
    }
}

impl Shared {
    pub(super) fn new(limits: Limits, name_prefix: String, stack_size: Option<usize>) -> Self {
        Self {
            dispatch: Dispatch::new(limits),
            brief: AtomicBool::new(false),
            name_prefix,
            stack_size,
            termination: Mutex::new(Termination::default()),
            all_exited: Condvar::new(),
        }
    }

    /// Accepts a job. The flag predicts whether it will end within microseconds.
    pub(super) fn submit(
        self: &Arc<Self>,
        job: Arc<dyn AnyJob>,
        full: IfFull,
    ) -> Result<bool, (Refusal, Arc<dyn AnyJob>)> {
        let (action, soon) = self.dispatch.submit(job, full)?;
        self.perform(action);
        Ok(soon && self.brief.load(Ordering::Relaxed))
    }

    pub(super) fn perform(self: &Arc<Self>, action: Action) {
        match action {
            Action::Nothing => {}
            Action::Wake(thread) => thread.unpark(),
            Action::Spawn => {
                if let Err(error) = self.start_worker() {
                    let error = Arc::new(error);
                    for job in self.start_failed() {
                        job.fail(OffloadError::NoThread(Arc::clone(&error)));
                    }
                }
            }
        }
    }

    /// Starts a worker that the dispatch counts already. After an error, call `start_failed`.
    pub(super) fn start_worker(self: &Arc<Self>) -> io::Result<()> {
        let number = {
            let mut termination = lock(&self.termination);
            termination.live += 1;
            termination.number += 1;
            termination.number
        };
        let mut thread = thread::Builder::new().name(format!("{}-{number}", self.name_prefix));
        if let Some(bytes) = self.stack_size {
            thread = thread.stack_size(bytes);
        }
        let shared = Arc::clone(self);
        thread.spawn(move || work(shared)).map(drop)
    }

    /// Undoes the counts of a failed start. Returns the jobs that no worker will ever take.
    pub(super) fn start_failed(&self) -> Vec<Arc<dyn AnyJob>> {
        let stranded = self.dispatch.start_failed();
        self.worker_exited();
        stranded
    }

    fn worker_exited(&self) {
        let waiting = {
            let mut termination = lock(&self.termination);
            termination.live -= 1;
            if termination.live > 0 {
                return;
            }
            std::mem::take(&mut termination.waiting)
        };
        self.all_exited.notify_all();
        waiting
            .into_iter()
            .for_each(|waker| Waiter::Task(waker).wake());
    }

    /// Stops accepting jobs. Running jobs are finished, and queued ones unless `cancel_queued`.
    /// Returns the number of jobs that will never run.
    pub(super) fn close(&self, cancel_queued: bool) -> usize {
        let closing = self.dispatch.close(cancel_queued);
        closing.sleepers.iter().for_each(Thread::unpark);
        let refused = closing.refused.len();
        for job in closing.refused {
            job.fail(OffloadError::Closed);
        }
        refused
    }

    /// Whether all threads have exited. If not, registers `waker` to be woken when they have.
    pub(super) fn poll_terminated(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut termination = lock(&self.termination);
        let has_exited = self.remaining(&termination) == 0;
        // A task that awaits other things as well is polled often, with the same waker.
        if !has_exited
            && !termination
                .waiting
                .iter()
                .any(|known| known.will_wake(&waker))
        {
            termination.waiting.push(waker);
            return false;
        }
        drop(termination);
        drop(waker);
        has_exited
    }

    /// The number of threads that have not exited, including those about to start for an accepted
    /// job.
    fn remaining(&self, termination: &Termination) -> usize {
        termination.live.max(self.dispatch.threads())
    }

    /// Blocks until all threads have exited or the deadline has passed. Returns how many remain.
    pub(super) fn wait_terminated(&self, deadline: Option<Instant>) -> usize {
        let mut termination = lock(&self.termination);
        while self.remaining(&termination) > 0 {
            // `None`: the timeout is beyond the clock's range.
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            termination = match left {
                None => self.all_exited.wait(termination),
                Some(left) => self
                    .all_exited
                    .wait_timeout(termination, left)
                    .map(|(termination, _)| termination)
                    .map_err(|poison| PoisonError::new(poison.into_inner().0)),
            }
            .unwrap_or_else(PoisonError::into_inner);
        }
        self.remaining(&termination)
    }

    /// Identifies the offload.
    pub(super) fn number(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    pub(super) fn is_current(self: &Arc<Self>) -> bool {
        let is_same = |current: &Option<Arc<Worker>>| {
            current
                .as_ref()
                .is_some_and(|current| Arc::ptr_eq(&current.shared, self))
        };
        CURRENT_WORKER
            .try_with(|current| is_same(&current.borrow()))
            .unwrap_or(false)
    }
}

/// Marks a worker as blocked, so that another may replace it, until this is dropped or the job that
/// waits has ended.
pub(crate) struct Blocked {
    worker: Arc<Worker>,
    job: u64,
}

/// The worker must not block: its jobs are nested deeper than the offload has threads.
pub(crate) struct Exhausted;

impl Blocked {
    /// Must be called before this thread blocks. `None` if it is not a worker of an offload.
    pub(crate) fn enter() -> Result<Option<Self>, Exhausted> {
        let Some(worker) = current() else {
            return Ok(None);
        };
        let mut waits = lock(&worker.waits);
        let action = if waits.count == 0 {
            let offload = worker.shared.number();
            let nested = nesting::current()
                .0
                .map_or(1, |origin| origin.count(offload));
            let is_extra = worker.is_extra.load(Ordering::Relaxed);
            let action = worker.shared.dispatch.block(nested, is_extra);
            action.ok_or(Exhausted)?
        } else {
            Action::Nothing
        };
        waits.count += 1;
        let job = waits.job;
        drop(waits);
        worker.shared.perform(action);
        Ok(Some(Self { worker, job }))
    }

    /// Whether this is the blocked worker, still in the same job.
    pub(crate) fn is_here(&self) -> bool {
        current().is_some_and(|current| {
            Arc::ptr_eq(&current, &self.worker) && lock(&current.waits).job == self.job
        })
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let mut waits = lock(&self.worker.waits);
        if waits.job != self.job {
            return;
        }
        waits.count -= 1;
        if waits.count == 0 {
            self.worker.shared.dispatch.unblock();
        }
    }
}

/// The worker loop.
fn work(shared: Arc<Shared>) {
    /// Dropped last, after everything else that the thread holds.
    struct ExitOnDrop(Arc<Shared>);
    impl Drop for ExitOnDrop {
        fn drop(&mut self) {
            self.0.worker_exited();
        }
    }

    let exit = ExitOnDrop(Arc::clone(&shared));
    let worker = Arc::new(Worker {
        shared: Arc::clone(&shared),
        waits: Mutex::default(),
        is_extra: AtomicBool::new(false),
    });
    CURRENT_WORKER.set(Some(Arc::clone(&worker)));
    let mut me = shared.dispatch.register_worker();
    while let Some((job, action)) = shared.dispatch.next(&mut me) {
        shared.perform(action);
        worker.is_extra.store(me.is_extra(), Ordering::Relaxed);
        nesting::begin_job(shared.number(), job.origin());
        job.run(&shared.brief);
        nesting::end_job();
        // Two references are this function's and the thread-local's. More are waits that may have
        // outlived the job.
        if Arc::strong_count(&worker) > 2 {
            worker.end_job();
        }
    }
    CURRENT_WORKER.set(None);
    drop(worker);
    drop(shared);
    drop(exit);
}
