//! The watchdog's view of all workers of all runtimes that are watched.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeMetrics};

use super::{Entry, Known, notes};
use crate::contain::drop_contained;
use crate::seat::Seat;
use crate::shared::Shared;
use crate::stall::{Phase, Stall};
use crate::thread::Thread;
use crate::watchdog::{Due, Finding, Followed, Glance, Of, Track, Usage, past};

#[derive(Default)]
pub(crate) struct Workers {
    runtimes: Vec<Followee>,
}

struct Followee {
    entry: Arc<Entry>,
    metrics: RuntimeMetrics,
    workers: Vec<Worker>,
    /// It has been shut down: the figures of a worker whose thread has ended stand still.
    is_down: bool,
    /// A task that is to tell which worker runs it has not run yet.
    asked: Arc<AtomicBool>,
}

#[derive(Default)]
struct Worker {
    figures: Option<Figures>,
    /// Counts the times they changed.
    turn: u64,
    since: u64,
    thread: Option<Known>,
    /// Its thread has ended.
    is_gone: bool,
    /// Whether it wakes the watchdog when it is unparked.
    tells: bool,
    track: Track<Box<Stall>>,
}

/// What moves when a worker does.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Figures {
    busy: Duration,
    /// Odd while it is parked.
    parkings: u64,
    /// Of the wrapped tasks on its thread.
    wrapped_turn: u64,
}

impl Workers {
    /// Looks at all workers once. Says whether the next look is needed soon: not if all are parked as before, and will tell
    /// when they are not.
    pub(crate) fn look(
        &mut self,
        glance: Glance,
        shared: &Arc<Shared>,
        seats: &[Followed],
        findings: &mut Vec<Finding>,
    ) -> bool {
        self.follow(shared, findings);
        let mut active = false;
        for (place, runtime) in self.runtimes.iter_mut().enumerate() {
            runtime.place_threads(glance, shared);
            active |= runtime.look(place, glance, seats, findings);
        }
        active
    }

    /// Takes in runtimes that have come, and forgets those that are gone.
    fn follow(&mut self, shared: &Shared, findings: &mut Vec<Finding>) {
        let entries = shared.runtimes.entries();
        self.runtimes.retain_mut(|runtime| {
            let stays = entries
                .iter()
                .any(|entry| Arc::ptr_eq(entry, &runtime.entry));
            if !stays {
                findings.extend(runtime.workers.iter_mut().filter_map(Worker::end));
            }
            stays
        });
        for entry in entries {
            let known = |runtime: &Followee| Arc::ptr_eq(&runtime.entry, &entry);
            if !self.runtimes.iter().any(known) {
                self.runtimes.push(Followee::new(entry));
            }
        }
    }

    pub(crate) fn track(
        &mut self,
        runtime: usize,
        worker: usize,
    ) -> Option<&mut Track<Box<Stall>>> {
        let runtime = self.runtimes.get_mut(runtime)?;
        Some(&mut runtime.workers.get_mut(worker)?.track)
    }

    /// How many workers are held up, and how many there are whose thread is not watched for its wrapped tasks anyhow.
    pub(crate) fn held_up(&self, seats: &[Followed]) -> (usize, usize) {
        let workers = self.runtimes.iter().flat_map(|runtime| &runtime.workers);
        let workers = workers.filter(|worker| !worker.is_gone);
        workers.fold((0, 0), |(held_up, watched), worker| {
            let has_seat = seat_of(worker.thread(), seats).is_some();
            (
                held_up + usize::from(worker.track.is_held_up()),
                watched + usize::from(!has_seat),
            )
        })
    }
}

impl Followee {
    fn new(entry: Arc<Entry>) -> Self {
        let metrics = entry.handle.metrics();
        let workers = (0..metrics.num_workers())
            .map(|_| Worker::default())
            .collect();
        Self {
            entry,
            metrics,
            workers,
            is_down: false,
            asked: Arc::default(),
        }
    }

    /// Finds out which thread each worker is on, as far as that is possible.
    fn place_threads(&mut self, glance: Glance, shared: &Arc<Shared>) {
        let runtimes = &shared.runtimes;
        for (index, worker) in self.workers.iter_mut().enumerate() {
            let (thread, tells) = runtimes.worker(&self.entry, index);
            worker.tells = tells;
            // Once known it stays known, so that its end is noticed.
            worker.thread = thread.or(worker.thread.take());
        }
        let unknown = |worker: &&mut Worker| worker.thread.is_none() && !worker.is_gone;
        let mut workers: Vec<_> = self.workers.iter_mut().filter(unknown).collect();
        if workers.is_empty() {
            return;
        }
        let threads = runtimes.unplaced(self.entry.handle.id());
        // The last one is found by elimination. If there are several, which is which makes no
        // difference as long as all are held up.
        let stand_still = |workers: &[&mut Worker]| {
            let mut since = workers
                .iter()
                .map(|worker| worker.stands_still_for(glance.now));
            since.all(|time| time > glance.threshold / 2)
        };
        if threads.len() == workers.len() && (threads.len() == 1 || stand_still(&workers)) {
            for (worker, thread) in workers.iter_mut().zip(threads) {
                worker.thread = Some(thread);
            }
            return;
        }
        let mut times = workers
            .iter()
            .map(|worker| worker.stands_still_for(glance.now));
        if times.any(|time| time > glance.threshold / 2)
            && !self.is_down
            && !self.asked.swap(true, Ordering::Relaxed)
        {
            self.ask(shared);
        }
    }

    /// Has a worker tell which one it is: one that goes on, so that those that do not remain.
    fn ask(&self, shared: &Arc<Shared>) {
        let (shared, asked) = (Arc::downgrade(shared), Arc::clone(&self.asked));
        let handle = &self.entry.handle;
        let asking = catch_unwind(AssertUnwindSafe(|| {
            handle.spawn(async move {
                if let Some(shared) = shared.upgrade() {
                    notes::tell(&shared, false);
                }
                asked.store(false, Ordering::Relaxed);
            });
        }));
        if let Err(panic) = asking {
            drop_contained(panic);
        }
    }

    fn look(
        &mut self,
        place: usize,
        glance: Glance,
        seats: &[Followed],
        findings: &mut Vec<Finding>,
    ) -> bool {
        let mut active = false;
        let runtime = &self.entry;
        let workers = self.workers.iter_mut().enumerate();
        for (index, worker) in workers.filter(|(_, worker)| !worker.is_gone) {
            let seat = seat_of(worker.thread(), seats);
            let figures = Figures {
                busy: self.metrics.worker_total_busy_duration(index),
                parkings: self.metrics.worker_park_unpark_count(index),
                wrapped_turn: seat.map_or(0, |seat| seat.slot.turn()),
            };
            active |= worker.figures != Some(figures);
            if self.is_down && !worker.is_alive(runtime) {
                findings.extend(worker.end());
                continue;
            }
            let (over, due) = worker.judge(glance, figures);
            active |= !(worker.parked() && worker.tells);
            findings.extend(over);
            let Some(due) = due else {
                continue;
            };
            if due.phase == Phase::Began && !self.is_down && is_down(&runtime.handle) {
                self.is_down = true;
            }
            // A worker that has ended looks as if it was held up.
            if self.is_down && !worker.is_alive(runtime) {
                findings.extend(worker.end());
                continue;
            }
            findings.push(Finding {
                phase: due.phase,
                is_owed: due.is_owed,
                lasted: due.lasted,
                thread: worker
                    .thread
                    .as_ref()
                    .map(|known| Arc::clone(&known.thread)),
                look: None,
                seat: seat.cloned(),
                worker: Some(index),
                of: Of::Worker(place, index),
            });
        }
        active
    }
}

impl Worker {
    fn thread(&self) -> Option<&Thread> {
        self.thread.as_ref().map(|known| &*known.thread)
    }

    /// For how long its figures have not moved although it is not parked.
    fn stands_still_for(&self, now: u64) -> u64 {
        match self.figures {
            Some(_) if !self.parked() => now - self.since,
            _ => 0,
        }
    }

    /// As far as was seen at the last look.
    fn parked(&self) -> bool {
        self.figures
            .is_some_and(|figures| figures.parkings % 2 == 1)
    }

    /// Whether the worker of a runtime that was shut down still has a thread that it holds up. The
    /// thread of a current-thread runtime goes on without it.
    fn is_alive(&self, entry: &Entry) -> bool {
        entry.driver.is_none() && self.thread.as_ref().is_some_and(Known::is_alive)
    }

    fn judge(&mut self, glance: Glance, figures: Figures) -> (Option<Finding>, Option<Due>) {
        if self.figures != Some(figures) {
            self.figures = Some(figures);
            self.turn += 1;
            self.since = glance.now;
        }
        // A wrapped task that is being polled is judged by its own clock.
        let covered = figures.wrapped_turn % 2 == 1;
        let current = (!self.parked() && !covered).then_some((self.turn, self.since));
        let usage = (glance.has_quota && current.is_some())
            .then(|| Usage::of(self.thread()?.os_id))
            .flatten();
        let (over, step) = self.track.observe(glance, current, usage);
        let over = over.and_then(|over| past(over.told?, over.at_least));
        (over, self.track.due(step))
    }

    /// The thread has ended, or is not watched any more.
    fn end(&mut self) -> Option<Finding> {
        self.is_gone = true;
        let over = self.track.end()?;
        past(over.told?, over.at_least)
    }
}

fn seat_of<'s>(thread: Option<&Thread>, seats: &'s [Followed]) -> Option<&'s Arc<Seat>> {
    let id = thread?.id;
    let mut seats = seats.iter().map(|followed| &followed.seat);
    seats.find(|seat| seat.thread.id == id)
}

/// Whether a runtime has been shut down. It does not say so itself, but it cancels at once what is spawned on it then. On
/// one that is held up this leaves a task that does nothing.
fn is_down(handle: &Handle) -> bool {
    let probe = catch_unwind(AssertUnwindSafe(|| {
        let task = pin!(handle.spawn(async {}));
        let mut context = Context::from_waker(Waker::noop());
        matches!(task.poll(&mut context), Poll::Ready(Err(error)) if error.is_cancelled())
    }));
    probe.unwrap_or_else(|panic| {
        drop_contained(panic);
        true
    })
}
