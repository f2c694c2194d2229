//! The state of a pool, guarded by its lock: the queue, the workers, the assignment of batches, and
//! the delivery of results.

use std::collections::VecDeque;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{Batch, JobKey, Sink};
use super::intervals::{GRACE, SWEEP};
use super::job_table::{JobEntry, JobTable, Stage, Waiter, Wake};
use super::map_results::RawResult;
use super::start_failures::StartFailures;
use super::worker_link::collect::{Delivery, Harvest};
use super::worker_link::link::{KillReason, WorkerLink};
use super::worker_process::WorkerProcess;
use crate::error::{Broken, JobError};
use crate::transport::layout::SLOTS;
use crate::transport::mapping::Region;

/// The memory and the process of a worker that has been started.
pub(super) type Started = (Arc<Region>, Arc<WorkerProcess>);

/// Everything that the lock of a pool guards.
pub(crate) struct State {
    pub(crate) jobs: JobTable,
    pub(super) queue: VecDeque<Batch>,
    /// `None` where a worker has died and not been replaced.
    pub(crate) workers: Vec<Option<WorkerLink>>,
    /// The memory limit of each worker.
    memory_limit: Option<u64>,
    /// Accepted inputs that have not ended.
    unfinished: usize,
    /// The number of jobs and maps whose ends the supervisor must notice at once.
    pub(crate) watchers: usize,
    /// No more jobs are accepted.
    pub(crate) closed: bool,
    /// All workers have exited, and the supervisor is ending.
    pub(crate) terminated: bool,
    pub(crate) broken: Option<Broken>,
    pub(super) start_failures: StartFailures,
    /// Whether the supervisor will soon check for batches behind a long one.
    pub(super) is_rebalancing: bool,
    /// Whether a batch waits until the system takes descriptors again.
    pub(super) is_congested: bool,
    /// Whether a waiter was registered since the supervisor's latest check.
    pub(crate) has_new_waiter: bool,
    /// The number of cancelled batches in the queue.
    pub(super) cancelled_in_queue: usize,
    /// The number of jobs that an immediate shutdown has ended; `None` without one.
    pub(crate) ended_by_shutdown: Option<usize>,
    pub(super) wakes: Vec<Wake>,
    /// Whether to wake the supervisor.
    pub(crate) wake_supervisor: bool,
    /// When the supervisor checks next; `None` for never.
    pub(crate) next_check: Option<Instant>,
    pub(super) last_result: Option<Instant>,
    /// Descriptors from workers that belong to no result. They are closed after the lock is
    /// released, because closing may block.
    pub(super) rejected: Vec<OwnedFd>,
    /// Kept for its memory.
    spare: Vec<Delivery>,
}

impl State {
    pub(super) fn new(started: Vec<Started>, memory_limit: Option<u64>) -> Self {
        let link = |(region, process)| Some(WorkerLink::new(region, process, memory_limit));
        Self {
            jobs: JobTable::default(),
            queue: VecDeque::new(),
            workers: started.into_iter().map(link).collect(),
            memory_limit,
            unfinished: 0,
            watchers: 0,
            closed: false,
            terminated: false,
            broken: None,
            start_failures: StartFailures::default(),
            is_rebalancing: false,
            is_congested: false,
            has_new_waiter: false,
            cancelled_in_queue: 0,
            ended_by_shutdown: None,
            wakes: Vec::new(),
            wake_supervisor: false,
            // The supervisor checks before it first sleeps.
            next_check: Some(Instant::now()),
            last_result: None,
            rejected: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Puts a new worker in the place of a dead one.
    pub(super) fn replace_worker(&mut self, worker: usize, (region, process): Started) {
        self.start_failures.granted();
        self.workers[worker] = Some(WorkerLink::new(region, process, self.memory_limit));
        self.dispatch();
    }

    pub(crate) fn take_wakes(&mut self) -> Vec<Wake> {
        mem::take(&mut self.wakes)
    }

    /// The number of accepted inputs that have not ended.
    pub(crate) fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// The number of batches in the queue that are not cancelled.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len() - self.cancelled_in_queue
    }

    /// Adds a job or map whose end the supervisor must notice.
    pub(crate) fn add_watcher(&mut self) {
        self.watchers += 1;
        self.has_new_waiter = true;
        // So that it checks periodically, in case a bell is silenced.
        self.check_within(SWEEP);
    }

    /// Marks a pool whose start failed.
    pub(crate) fn abandon(&mut self) {
        self.workers.clear();
        self.terminated = true;
    }

    /// Accepts a job that has a handle.
    pub(crate) fn accept_job(&mut self, batch: impl FnOnce(Sink) -> Batch) -> JobKey {
        let key = self.jobs.insert(JobEntry {
            stage: Stage::Queued,
            waiter: Waiter::None,
        });
        self.accept(batch(Sink::Job(key)));
        if self.needs_dispatch() {
            self.dispatch();
        }
        key
    }

    /// Accepts a batch. [`dispatch`](Self::dispatch) must follow.
    pub(crate) fn accept(&mut self, batch: Batch) {
        self.unfinished += batch.count as usize;
        if !self.queue.is_empty() {
            self.queue.push_back(batch);
        } else if let Some(batch) = self.assign(batch) {
            self.queue.push_back(batch);
        }
    }

    /// Counts the inputs of a map as accepted before they are encoded.
    pub(crate) fn reserve(&mut self, inputs: usize) {
        self.unfinished += inputs;
    }

    /// Accepts a batch of inputs that were counted before.
    pub(crate) fn accept_reserved(&mut self, batch: Batch) {
        self.unfinished -= batch.count as usize;
        match self.broken.clone() {
            None => {
                self.accept(batch);
                self.dispatch();
            }
            Some(broken) => {
                self.unfinished += batch.count as usize;
                for index in 0..batch.count as usize {
                    self.deliver(&batch.sink, index, Err(JobError::Broken(broken.clone())));
                }
            }
        }
    }

    /// Uncounts accepted inputs that will not come.
    pub(crate) fn release(&mut self, inputs: usize) {
        self.unfinished -= inputs;
        self.wake_supervisor |= self.closed && self.unfinished == 0;
    }

    /// Makes sure that the supervisor checks within `time`.
    pub(super) fn check_within(&mut self, time: Duration) {
        let due = Instant::now().checked_add(time);
        self.wake_supervisor |=
            due.is_some_and(|due| self.next_check.is_none_or(|next| next > due));
    }

    pub(super) fn set_stage(&mut self, sink: &Sink, stage: Stage) {
        if let Sink::Job(key) = sink
            && let Some(entry) = self.jobs.get(*key)
        {
            entry.stage = stage;
        }
    }

    /// Puts batches at the front of the queue, in order.
    pub(super) fn requeue(&mut self, batches: Vec<Batch>) {
        for batch in batches.into_iter().rev() {
            self.set_stage(&batch.sink, Stage::Queued);
            self.queue.push_front(batch);
        }
    }

    /// Whether a batch still needs to run: a cancelled one stays in the queue until it reaches the
    /// front.
    pub(super) fn is_wanted(&mut self, batch: &Batch) -> bool {
        match batch.sink {
            Sink::Map(..) => true,
            Sink::Job(key) => self
                .jobs
                .get(key)
                .is_some_and(|entry| matches!(entry.stage, Stage::Queued)),
        }
    }

    /// Collects what the worker of a job has finished, if one has the job.
    pub(crate) fn collect_for(&mut self, key: JobKey) {
        if let Some(Stage::Assigned { worker, .. }) = self.stage(key) {
            self.collect_from(worker);
        }
    }

    /// Collects a worker's finished batches. Returns whether anything changed.
    pub(crate) fn collect_from(&mut self, worker: usize) -> bool {
        let Some(link) = &mut self.workers[worker] else {
            return false;
        };
        let mut harvest = Harvest {
            deliveries: mem::take(&mut self.spare),
            ..Harvest::default()
        };
        let (before, had_finished_job) = (link.collected(), link.has_finished_job);
        if let Err(why) = link.collect(&mut harvest) {
            // The worker cannot be trusted any more.
            link.kill(KillReason::Corrupted(why));
        }
        let mut changed = link.collected() != before || !harvest.deliveries.is_empty();
        let retires = link.retired.is_none() && link.is_retired();
        if retires {
            link.retired = Some(Instant::now());
            // Its exit may take long, or never finish.
            harvest.rest.extend(link.withdraw(SLOTS));
            changed = true;
        }
        if link.has_finished_job && !had_finished_job {
            self.start_failures.succeeded();
        }
        if retires {
            self.check_within(GRACE);
        }
        self.deliver_all(harvest);
        changed
    }

    pub(super) fn deliver_all(&mut self, mut harvest: Harvest) {
        if !harvest.deliveries.is_empty() {
            // Only read when a worker is idle.
            if self
                .workers
                .iter()
                .flatten()
                .any(|link| link.unfinished() == 0)
            {
                self.last_result = Some(Instant::now());
            }
        }
        for (sink, index, outcome) in harvest.deliveries.drain(..) {
            self.deliver(&sink, index, outcome);
        }
        self.spare = harvest.deliveries;
        self.rejected.append(&mut harvest.rejected);
        self.requeue(harvest.rest);
    }

    pub(super) fn deliver(&mut self, sink: &Sink, index: usize, outcome: RawResult) {
        self.unfinished -= 1;
        if let (Some(ended), Err(JobError::Cancelled | JobError::Killed)) =
            (&mut self.ended_by_shutdown, &outcome)
        {
            *ended += 1;
        }
        match sink {
            Sink::Job(key) => {
                let Some(entry) = self.jobs.get(*key) else {
                    return;
                };
                self.watchers -= usize::from(entry.waiter.needs_supervisor());
                self.wakes.extend(entry.end(outcome));
                if entry.is_detached() {
                    self.jobs.remove(*key);
                }
            }
            Sink::Map(results, first) => {
                if let Some(thread) = results.put(first + index, outcome) {
                    self.wakes.push(Wake::Thread(thread));
                }
            }
        }
        if self.closed && self.unfinished == 0 {
            self.wake_supervisor = true;
        }
    }

    /// Cancels pending jobs and kills running ones.
    pub(crate) fn kill_all(&mut self) {
        self.ended_by_shutdown.get_or_insert(0);
        let mut pending = self.take_queue();
        for worker in 0..self.workers.len() {
            self.collect_from(worker);
            let Some(link) = &mut self.workers[worker] else {
                continue;
            };
            pending.extend(link.withdraw(SLOTS));
            if link.unfinished() > 0 {
                link.kill(KillReason::Killed);
            }
        }
        // Batches that collecting put back.
        pending.append(&mut self.take_queue());
        for batch in pending {
            for index in 0..batch.count as usize {
                self.deliver(&batch.sink, index, Err(JobError::Cancelled));
            }
        }
    }

    /// Takes all queued batches that still need to run.
    pub(super) fn take_queue(&mut self) -> Vec<Batch> {
        let mut batches: Vec<Batch> = mem::take(&mut self.queue).into();
        batches.retain(|batch| self.is_wanted(batch));
        self.cancelled_in_queue = 0;
        batches
    }

    /// Notes that a queued job was cancelled. Its batch stays until it reaches the front, unless
    /// cancelled batches are the majority.
    pub(super) fn note_cancelled(&mut self) {
        self.cancelled_in_queue += 1;
        if 2 * self.cancelled_in_queue > self.queue.len() {
            self.queue = self.take_queue().into();
        }
    }
}
