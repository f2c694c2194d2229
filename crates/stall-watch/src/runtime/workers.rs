//! The watchdog's view of all workers of all runtimes that are watched.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeMetrics};

use super::{Entry, Runtimes};
use crate::contain::drop_contained;
use crate::seat::Seat;
use crate::stall::{Phase, Stall};
use crate::thread::Thread;
use crate::watchdog::{Finding, Followed, Glance, Of, Track, begun, past};

#[derive(Default)]
pub(crate) struct Workers {
    runtimes: Vec<Followee>,
}

struct Followee {
    entry: Arc<Entry>,
    metrics: RuntimeMetrics,
    workers: Vec<Worker>,
    /// It has been shut down: its figures stand still for ever.
    is_down: bool,
}

#[derive(Default)]
struct Worker {
    figures: Option<Figures>,
    /// Counts the times they changed.
    turn: u64,
    since: u64,
    thread: Option<Arc<Thread>>,
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
        runtimes: &Runtimes,
        seats: &[Followed],
        findings: &mut Vec<Finding>,
    ) -> bool {
        self.follow(runtimes, findings);
        let mut active = false;
        for (place, runtime) in self.runtimes.iter_mut().enumerate() {
            if !runtime.is_down {
                active |= runtime.look(place, glance, runtimes, seats, findings);
            }
        }
        active
    }

    /// Takes in runtimes that have come, and forgets those that are gone.
    fn follow(&mut self, runtimes: &Runtimes, findings: &mut Vec<Finding>) {
        let entries = runtimes.entries();
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
        let runtimes = self.runtimes.iter().filter(|runtime| !runtime.is_down);
        let workers = runtimes.flat_map(|runtime| &runtime.workers);
        workers.fold((0, 0), |(held_up, watched), worker| {
            let has_seat = seat_of(worker.thread.as_deref(), seats).is_some();
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
        }
    }

    fn look(
        &mut self,
        place: usize,
        glance: Glance,
        runtimes: &Runtimes,
        seats: &[Followed],
        findings: &mut Vec<Finding>,
    ) -> bool {
        let mut active = false;
        for index in 0..self.workers.len() {
            let (thread, tells) = runtimes.worker(&self.entry, index);
            let worker = &mut self.workers[index];
            worker.thread = thread;
            let seat = seat_of(worker.thread.as_deref(), seats);
            let figures = Figures {
                busy: self.metrics.worker_total_busy_duration(index),
                parkings: self.metrics.worker_park_unpark_count(index),
                wrapped_turn: seat.map_or(0, |seat| seat.slot.turn()),
            };
            let parked = figures.parkings % 2 == 1;
            active |= !(parked && tells) || worker.figures != Some(figures);
            let (over, found) = worker.judge(glance, figures);
            findings.extend(over);
            let Some((phase, lasted)) = found else {
                continue;
            };
            if phase == Phase::Began && is_down(&self.entry.handle) {
                self.is_down = true;
                self.workers.iter_mut().for_each(|worker| {
                    worker.track.end();
                });
                findings.retain(|finding| !matches!(finding.of, Of::Worker(of, _) if of == place));
                return false;
            }
            findings.push(Finding {
                phase,
                lasted,
                thread: worker.thread.clone(),
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
    fn judge(
        &mut self,
        glance: Glance,
        figures: Figures,
    ) -> (Option<Finding>, Option<(Phase, u64)>) {
        if self.figures != Some(figures) {
            self.figures = Some(figures);
            self.turn += 1;
            self.since = glance.now;
        }
        // A wrapped task that is being polled is judged by its own clock.
        let covered = figures.wrapped_turn % 2 == 1;
        let parked = figures.parkings % 2 == 1;
        let current = (!parked && !covered).then_some((self.turn, self.since));
        let (over, step) = self.track.observe(glance, current);
        let over = over.and_then(|over| past(over.told?, over.at_least));
        (over, begun(step))
    }

    fn end(&mut self) -> Option<Finding> {
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
