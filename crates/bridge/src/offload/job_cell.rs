//! One job from submission to result: a single allocation, shared by the queue and the future that
//! awaits it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::error::OffloadError;
use super::job_list::{EntryState, Queued};
use super::nesting::Origin;
use crate::oneshot::OneShot;
use crate::panic::{catch, drop_quietly};
use crate::sync::{Mutex, lock};

/// A job that takes less than this is brief: a coroutine that submits the next one spins for its
/// result, since parking and being woken costs at least as much.
pub(super) const BRIEF: Duration = Duration::from_micros(5);

pub(super) struct JobCell<F, R> {
    entry: EntryState,
    origin: Option<Origin>,
    closure: Mutex<Option<F>>,
    result: OneShot<Result<R, OffloadError>>,
}

impl<F, R> JobCell<F, R> {
    /// `level`: how many jobs of the offload are known to wait for this one.
    pub(super) fn new(closure: F, origin: Option<Origin>, level: usize) -> Self {
        let entry = EntryState::new();
        entry.set_level(level);
        Self {
            entry,
            origin,
            closure: Mutex::new(Some(closure)),
            result: OneShot::new(),
        }
    }

    /// Takes the closure of a job that is in no list: one that was taken or refused.
    pub(super) fn take_closure(&self) -> Option<F> {
        lock(&self.closure).take()
    }
}

impl<F, R> Queued for JobCell<F, R> {
    fn entry(&self) -> &EntryState {
        &self.entry
    }
}

/// A job as the queue sees it. No method unwinds.
pub(super) trait AnyJob: Queued + Send + Sync {
    /// Calls the closure, sets the result or the panic, and notes whether the job was brief.
    fn run(&self, brief: &AtomicBool);

    /// The jobs that this one was submitted from.
    fn origin(&self) -> Option<Origin>;

    /// Drops the closure and sets the error, for a job that will never run.
    fn fail(&self, error: OffloadError);

    /// Drops the closure of a job that was withdrawn.
    fn discard(&self);
}

/// A job as the future that awaits it sees it.
pub(super) trait AwaitedJob<R>: AnyJob {
    fn result(&self) -> &OneShot<Result<R, OffloadError>>;
}

impl<F, R> AnyJob for JobCell<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    fn run(&self, brief: &AtomicBool) {
        let Some(closure) = self.take_closure() else {
            return;
        };
        let start = Instant::now();
        // Calling the closure drops its captures before the result becomes visible.
        let result = catch(closure).map_err(OffloadError::Panicked);
        brief.store(start.elapsed() < BRIEF, Ordering::Relaxed);
        self.result.set(result);
    }

    fn origin(&self) -> Option<Origin> {
        self.origin.clone()
    }

    fn fail(&self, error: OffloadError) {
        drop_quietly(self.take_closure());
        self.result.set(Err(error));
    }

    fn discard(&self) {
        drop_quietly(self.take_closure());
    }
}

impl<F, R> AwaitedJob<R> for JobCell<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    fn result(&self) -> &OneShot<Result<R, OffloadError>> {
        &self.result
    }
}
