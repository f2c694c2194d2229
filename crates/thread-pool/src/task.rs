//! One job from submission to result: one allocation, shared by the queue and the handle.
//!
//! ```text
//! Pending ──claim──▶ Running ──▶ Finished ──take──▶ Taken
//!    └──cancel──▶ Cancelling ──▶ Finished
//! ```
//! Claiming and cancelling go through the same lock, so a job is run once, or cancelled, never both. The queue entry of
//! a job that was claimed by its waiter, or cancelled, stays behind and is a no-op when a worker comes to it.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::lock;
use crate::panic::drop_contained;
use crate::{JobError, TaskPanic};

/// How far a job has come.
pub(crate) enum Progress {
    Pending,
    /// Running on the worker of this number.
    Running(usize),
    /// Cancelled, its closure being dropped.
    Cancelling,
    Finished,
}

/// A job as the queue sees it.
pub(crate) trait Job: Send + Sync {
    /// Runs the job, unless somebody else claimed it before: then `false`. Never unwinds.
    fn run(&self, worker: usize) -> bool;

    /// Cancels the job if it is still pending and drops its closure. Never unwinds.
    fn cancel(&self) -> bool;

    fn progress(&self) -> Progress;
}

/// A job as its handle sees it.
pub(crate) trait Outcome<R>: Job {
    /// Takes the result, blocking until `deadline`, or for as long as it takes.
    fn wait_until(&self, deadline: Option<Instant>) -> Option<Result<R, JobError>>;
}

enum State<F, R> {
    Pending(F),
    Running(usize),
    Cancelling,
    Finished(Result<R, JobError>),
    Taken,
}

struct Inner<F, R> {
    state: State<F, R>,
    /// Whether the handle's owner sleeps on the condition variable: waking nobody would still cost a system call.
    waiting: bool,
}

pub(crate) struct Task<F, R> {
    inner: Mutex<Inner<F, R>>,
    finished: Condvar,
}

impl<F, R> Task<F, R> {
    pub(crate) fn new(job: F) -> Self {
        Self {
            inner: Mutex::new(Inner {
                state: State::Pending(job),
                waiting: false,
            }),
            finished: Condvar::new(),
        }
    }

    /// Takes the closure out if it is still there and leaves `next` in its place.
    fn leave_pending(&self, next: State<F, R>) -> Option<F> {
        let mut inner = lock(&self.inner);
        match mem::replace(&mut inner.state, State::Taken) {
            State::Pending(job) => {
                inner.state = next;
                Some(job)
            }
            other => {
                inner.state = other;
                None
            }
        }
    }

    fn finish(&self, result: Result<R, JobError>) {
        let mut inner = lock(&self.inner);
        inner.state = State::Finished(result);
        let waiting = inner.waiting;
        drop(inner);
        if waiting {
            self.finished.notify_one();
        }
    }
}

impl<F, R> Job for Task<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    fn run(&self, worker: usize) -> bool {
        let Some(job) = self.leave_pending(State::Running(worker)) else {
            return false;
        };
        // The closure is gone, with all it captured, before the result can be seen.
        let result = catch_unwind(AssertUnwindSafe(job))
            .map_err(|payload| JobError::Panicked(TaskPanic::new(payload)));
        self.finish(result);
        true
    }

    fn cancel(&self) -> bool {
        let Some(job) = self.leave_pending(State::Cancelling) else {
            return false;
        };
        drop_contained(job);
        self.finish(Err(JobError::Cancelled));
        true
    }

    fn progress(&self) -> Progress {
        match lock(&self.inner).state {
            State::Pending(_) => Progress::Pending,
            State::Running(worker) => Progress::Running(worker),
            State::Cancelling => Progress::Cancelling,
            State::Finished(_) | State::Taken => Progress::Finished,
        }
    }
}

impl<F, R> Outcome<R> for Task<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    fn wait_until(&self, deadline: Option<Instant>) -> Option<Result<R, JobError>> {
        let mut inner = lock(&self.inner);
        loop {
            match mem::replace(&mut inner.state, State::Taken) {
                State::Finished(result) => return Some(result),
                other => inner.state = other,
            }
            inner.waiting = true;
            inner = match deadline {
                None => self
                    .finished
                    .wait(inner)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    self.finished
                        .wait_timeout(inner, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}
