//! One job from submission to result: one allocation, shared by the queue and by who awaits it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::lane::{Place, Queued};
use super::nesting::Origin;
use crate::outcome::Outcome;
use crate::panic::drop_contained;
use crate::sync::{Mutex, lock};
use crate::{OffloadError, TaskPanic};

/// A job that took less than this is brief: who asks for the next one may look out for its end before it goes to sleep.
/// Going to sleep and being woken costs as much at least.
pub(super) const BRIEF: Duration = Duration::from_micros(5);

pub(super) struct Task<F, R> {
    place: Place,
    origin: Option<Origin>,
    closure: Mutex<Option<F>>,
    outcome: Outcome<Result<R, OffloadError>>,
}

impl<F, R> Task<F, R> {
    /// `level`: how many calls of the offload wait for this one, as far as is known.
    pub(super) fn new(closure: F, origin: Option<Origin>, level: usize) -> Self {
        let place = Place::new();
        place.set_level(level);
        Self {
            place,
            origin,
            closure: Mutex::new(Some(closure)),
            outcome: Outcome::new(),
        }
    }

    /// For who has taken the job off the queue, or did not get it in: nobody else comes by.
    pub(super) fn take_closure(&self) -> Option<F> {
        lock(&self.closure).take()
    }
}

impl<F, R> Queued for Task<F, R> {
    fn place(&self) -> &Place {
        &self.place
    }
}

/// A job as the queue sees it. Nothing here unwinds.
pub(super) trait Job: Queued + Send + Sync {
    /// Calls the closure and brings the result, or the panic. Notes whether the job was brief.
    fn run(&self, brief: &AtomicBool);

    /// The calls that it was called from.
    fn origin(&self) -> Option<Origin>;

    /// Drops the closure and brings the error, for a job that nobody will run.
    fn fail(&self, why: OffloadError);

    /// Drops the closure, for a job that was withdrawn.
    fn discard(&self);
}

/// A job as who awaits it sees it.
pub(super) trait Awaited<R>: Job {
    fn outcome(&self) -> &Outcome<Result<R, OffloadError>>;
}

impl<F, R> Job for Task<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    fn run(&self, brief: &AtomicBool) {
        let Some(closure) = self.take_closure() else {
            return;
        };
        let start = Instant::now();
        // The closure is gone, with all it captured, before the result can be seen.
        let result = catch_unwind(AssertUnwindSafe(closure))
            .map_err(|payload| OffloadError::Panicked(TaskPanic::new(payload)));
        brief.store(start.elapsed() < BRIEF, Ordering::Relaxed);
        self.outcome.put(result);
    }

    fn origin(&self) -> Option<Origin> {
        self.origin.clone()
    }

    fn fail(&self, why: OffloadError) {
        drop_contained(self.take_closure());
        self.outcome.put(Err(why));
    }

    fn discard(&self) {
        drop_contained(self.take_closure());
    }
}

impl<F, R> Awaited<R> for Task<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    fn outcome(&self) -> &Outcome<Result<R, OffloadError>> {
        &self.outcome
    }
}
