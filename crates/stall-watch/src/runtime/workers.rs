//! The watchdog's checks of all workers of all watched runtimes.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeMetrics};

use super::hooks;
use super::registry::WatchedRuntime;
use super::thread_token::ThreadRef;
use crate::panic::catch;
use crate::shared::Shared;
use crate::stall::{Phase, Stall};
use crate::thread::Thread;
use crate::thread_record::ThreadRecord;
use crate::watchdog::finding::{Finding, Source, TrackedThread};
use crate::watchdog::lateness::Usage;
use crate::watchdog::tracker::{Check, Due, StallTracker};

#[derive(Default)]
pub(crate) struct Workers {
    runtimes: Vec<TrackedRuntime>,
}

struct TrackedRuntime {
    runtime: Arc<WatchedRuntime>,
    metrics: RuntimeMetrics,
    workers: Vec<TrackedWorker>,
    /// It has been shut down, so the metrics of its exited workers no longer change.
    is_down: bool,
    /// A task that will note which worker runs it has not run yet.
    asked: Arc<AtomicBool>,
}

#[derive(Default)]
struct TrackedWorker {
    progress: Option<Progress>,
    /// Counts the changes of `progress`.
    seq: u64,
    /// When it last changed.
    since: u64,
    thread: Option<ThreadRef>,
    /// The thread was found by elimination among the threads that had started so far.
    is_tentative: bool,
    /// Its thread has exited.
    is_gone: bool,
    /// Whether its hooks wake the watchdog when it is unparked.
    has_hooks: bool,
    tracker: StallTracker<Box<Stall>>,
}

/// The values that change when a worker makes progress.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Progress {
    busy: Duration,
    /// Odd while the worker is parked.
    park_unpark_count: u64,
    /// The sequence number of the wrapped polls on its thread.
    wrapped_seq: u64,
}

impl Workers {
    /// Checks all workers. Returns whether the next check is needed soon: not if all workers are
    /// parked as before and have hooks.
    pub(crate) fn check(
        &mut self,
        check: Check,
        shared: &Arc<Shared>,
        threads: &[TrackedThread],
        findings: &mut Vec<Finding>,
    ) -> bool {
        self.update_runtimes(shared, findings);
        let mut active = false;
        for (index, runtime) in self.runtimes.iter_mut().enumerate() {
            runtime.place_threads(check, shared);
            active |= runtime.check(index, check, threads, findings);
        }
        active
    }

    /// Adds new runtimes and forgets those that are no longer watched.
    fn update_runtimes(&mut self, shared: &Shared, findings: &mut Vec<Finding>) {
        let watched = shared.runtimes.watched();
        self.runtimes.retain_mut(|tracked| {
            let mut watched = watched.iter();
            let stays = watched.any(|runtime| Arc::ptr_eq(runtime, &tracked.runtime));
            if !stays {
                findings.extend(tracked.workers.iter_mut().filter_map(TrackedWorker::end));
            }
            stays
        });
        for runtime in watched {
            let is_it = |tracked: &TrackedRuntime| Arc::ptr_eq(&tracked.runtime, &runtime);
            if !self.runtimes.iter().any(is_it) {
                self.runtimes.push(TrackedRuntime::new(runtime));
            }
        }
    }

    pub(crate) fn tracker(
        &mut self,
        runtime: usize,
        worker: usize,
    ) -> Option<&mut StallTracker<Box<Stall>>> {
        let runtime = self.runtimes.get_mut(runtime)?;
        Some(&mut runtime.workers.get_mut(worker)?.tracker)
    }

    /// The number of blocked workers, and the number of workers whose thread is not watched for its
    /// wrapped tasks anyway.
    pub(crate) fn counts(&self, threads: &[TrackedThread]) -> (usize, usize) {
        let workers = self.runtimes.iter().flat_map(|runtime| &runtime.workers);
        let workers = workers.filter(|worker| !worker.is_gone);
        workers.fold((0, 0), |(blocked, watched), worker| {
            let has_record = record_of(worker.thread(), threads).is_some();
            (
                blocked + usize::from(worker.tracker.is_blocked()),
                watched + usize::from(!has_record),
            )
        })
    }
}

impl TrackedRuntime {
    fn new(runtime: Arc<WatchedRuntime>) -> Self {
        let metrics = runtime.handle.metrics();
        let workers = (0..metrics.num_workers())
            .map(|_| TrackedWorker::default())
            .collect();
        Self {
            runtime,
            metrics,
            workers,
            is_down: false,
            asked: Arc::default(),
        }
    }

    /// Finds out which thread each worker runs on, as far as possible.
    fn place_threads(&mut self, check: Check, shared: &Arc<Shared>) {
        let registry = &shared.runtimes;
        for (index, worker) in self.workers.iter_mut().enumerate() {
            let (thread, has_hooks) = registry.worker(&self.runtime, index);
            worker.has_hooks = has_hooks;
            if thread.is_some() {
                worker.thread = thread;
                worker.is_tentative = false;
            } else if worker.is_tentative
                && !self.is_down
                && worker.thread.as_ref().is_some_and(ThreadRef::is_alive)
            {
                // More threads may have started since, one of which may be the worker. An exited
                // thread is kept, so that its exit is noticed, and so is any after a shutdown,
                // when no worker starts and no thread may be left to replace it.
                worker.thread = None;
            }
        }
        let unknown = |worker: &&mut TrackedWorker| worker.thread.is_none() && !worker.is_gone;
        let mut workers: Vec<_> = self.workers.iter_mut().filter(unknown).collect();
        if workers.is_empty() {
            return;
        }
        let threads = registry.unplaced(self.runtime.handle.id());
        let is_stuck =
            |worker: &&mut TrackedWorker| worker.stuck_for(check.now) > check.threshold / 2;
        // The last unknown worker is found by elimination. If there are several and all are stuck,
        // it does not matter which of them runs on which thread.
        if threads.len() == workers.len() && (threads.len() == 1 || workers.iter().all(is_stuck)) {
            for (worker, thread) in workers.iter_mut().zip(threads) {
                worker.thread = Some(thread);
                worker.is_tentative = true;
            }
            return;
        }
        if workers.iter().any(is_stuck)
            && !self.is_down
            && !self.asked.swap(true, Ordering::Relaxed)
        {
            self.ask(shared);
        }
    }

    /// Spawns a task that notes which worker runs it: one that makes progress, so that the stuck
    /// ones remain.
    fn ask(&self, shared: &Arc<Shared>) {
        let (shared, asked) = (Arc::downgrade(shared), Arc::clone(&self.asked));
        let handle = &self.runtime.handle;
        // Spawning may panic, on a runtime that is shutting down for example.
        drop(catch(|| {
            handle.spawn(async move {
                if let Some(shared) = shared.upgrade() {
                    hooks::note_worker(&shared, false);
                }
                asked.store(false, Ordering::Relaxed);
            });
        }));
    }

    fn check(
        &mut self,
        runtime_index: usize,
        check: Check,
        threads: &[TrackedThread],
        findings: &mut Vec<Finding>,
    ) -> bool {
        let mut active = false;
        let runtime = &self.runtime;
        let workers = self.workers.iter_mut().enumerate();
        for (index, worker) in workers.filter(|(_, worker)| !worker.is_gone) {
            let record = record_of(worker.thread(), threads);
            let progress = Progress {
                busy: self.metrics.worker_total_busy_duration(index),
                park_unpark_count: self.metrics.worker_park_unpark_count(index),
                wrapped_seq: record.map_or(0, |record| record.slot.seq()),
            };
            active |= worker.progress != Some(progress);
            if self.is_down && !worker.is_alive(runtime) {
                findings.extend(worker.end());
                continue;
            }
            let (ended, due) = worker.judge(check, progress);
            active |= !(worker.is_parked() && worker.has_hooks);
            findings.extend(ended);
            let Some(due) = due else {
                continue;
            };
            if due.phase == Phase::Began && !self.is_down && is_down(&runtime.handle) {
                self.is_down = true;
            }
            // A worker that has exited looks the same as a blocked one.
            if self.is_down && !worker.is_alive(runtime) {
                findings.extend(worker.end());
                continue;
            }
            let thread = worker.thread.as_ref();
            let thread = thread.map(|thread| Arc::clone(&thread.thread));
            findings.push(Finding {
                record: record.cloned(),
                worker: Some(index),
                ..Finding::blocked(due, thread, Source::Worker(runtime_index, index))
            });
        }
        active
    }
}

impl TrackedWorker {
    fn thread(&self) -> Option<&Thread> {
        self.thread.as_ref().map(|thread| &*thread.thread)
    }

    /// How long it has made no progress although it is not parked.
    fn stuck_for(&self, now: u64) -> u64 {
        match self.progress {
            Some(_) if !self.is_parked() => now - self.since,
            _ => 0,
        }
    }

    /// Whether it was parked at the last check.
    fn is_parked(&self) -> bool {
        self.progress
            .is_some_and(|progress| progress.park_unpark_count % 2 == 1)
    }

    /// Whether the worker of a runtime that was shut down still has a thread that it blocks. The
    /// thread of a current-thread runtime continues without the runtime.
    fn is_alive(&self, runtime: &WatchedRuntime) -> bool {
        runtime.driver.is_none() && self.thread.as_ref().is_some_and(ThreadRef::is_alive)
    }

    fn judge(&mut self, check: Check, progress: Progress) -> (Option<Finding>, Option<Due>) {
        if self.progress != Some(progress) {
            self.progress = Some(progress);
            self.seq += 1;
            self.since = check.now;
        }
        // A wrapped poll is judged by its own start time.
        let in_wrapped_poll = progress.wrapped_seq % 2 == 1;
        let current = (!self.is_parked() && !in_wrapped_poll).then_some((self.seq, self.since));
        let usage = check
            .has_quota
            .then(|| Usage::of(self.thread()?.os_id))
            .flatten();
        let (ended, step) = self.tracker.observe(check, current, usage);
        let ended = ended.and_then(|ended| Finding::ended(ended, None));
        (ended, self.tracker.due(step))
    }

    /// Notes that the thread has exited or is no longer watched.
    fn end(&mut self) -> Option<Finding> {
        self.is_gone = true;
        Finding::ended(self.tracker.end()?, None)
    }
}

fn record_of<'t>(
    thread: Option<&Thread>,
    threads: &'t [TrackedThread],
) -> Option<&'t Arc<ThreadRecord>> {
    let id = thread?.id;
    let mut records = threads.iter().map(|tracked| &tracked.record);
    records.find(|record| record.thread.id == id)
}

/// Whether a runtime has been shut down. Tokio does not tell, but then it cancels at once what is
/// spawned. On a runtime that is merely blocked this leaves an empty task.
fn is_down(handle: &Handle) -> bool {
    let probe = catch(|| {
        let task = pin!(handle.spawn(async {}));
        let mut context = Context::from_waker(Waker::noop());
        matches!(task.poll(&mut context), Poll::Ready(Err(error)) if error.is_cancelled())
    });
    probe.unwrap_or(true)
}
