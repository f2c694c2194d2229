//! One job from submission to result: one allocation, shared by the queue and the handle.
//!
//! ```text
//! Pending ──claim──▶ Running ──▶ Finished ──take──▶ Taken
//!    └──cancel──▶ Cancelling ──▶ Finished
//! ```
//! Claiming and cancelling go through the same lock, so a job is run once, or cancelled, never both. The queue entry of
//! a job that was claimed by its waiter, or cancelled, stays behind and is a no-op when a worker comes to it.
//!
//! Callbacks run between the end of the closure and `Finished`: nobody can have taken the result away from them.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Instant;

use crate::listeners::{self, Callback, Listeners, Watcher};
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

    /// Cancels the job if it is still pending, drops its closure and makes `why` its result. Never unwinds.
    fn cancel(&self, why: JobError) -> bool;

    fn progress(&self) -> Progress;
}

/// A job as its handle sees it.
///
/// All that takes the result panics if it was taken before, which only polling the handle can have done.
pub(crate) trait Outcome<R>: Job {
    /// Takes the result, blocking until `deadline`, or for as long as it takes.
    fn wait_until(&self, deadline: Option<Instant>) -> Option<Result<R, JobError>>;

    /// Takes the result, or keeps the waker to be woken when there is one.
    fn poll(&self, waker: &Waker) -> Poll<Result<R, JobError>>;

    /// Has this waker woken when the job has ended: at once, if it has.
    fn watch(&self, watcher: Watcher, waker: Waker);

    /// Forgets the waker, if it was not used yet.
    fn unwatch(&self, watcher: Watcher);

    /// Calls back when the job has ended: at once, on this thread, if it has. Only one thread at a time may call what
    /// looks at the result.
    fn on_complete(&self, callback: Callback<R>);

    /// Whether the job has ended with an error that nobody has taken.
    fn has_failed(&self) -> bool;
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
    listeners: Option<Box<Listeners<R>>>,
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
                listeners: None,
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

    /// Calls the callbacks, those too that come while others run; then shows the result to who waits for it.
    fn finish(&self, result: Result<R, JobError>) {
        loop {
            let mut inner = lock(&self.inner);
            let callbacks = match &mut inner.listeners {
                Some(listeners) => listeners.take_callbacks(),
                None => Vec::new(),
            };
            if callbacks.is_empty() {
                inner.state = State::Finished(result);
                let waiting = inner.waiting;
                let listeners = inner.listeners.take();
                drop(inner);
                if waiting {
                    self.finished.notify_one();
                }
                if let Some(listeners) = listeners {
                    listeners.wake();
                }
                return;
            }
            drop(inner);
            for callback in callbacks {
                callback(&result);
            }
        }
    }
}

impl<F, R> Inner<F, R> {
    /// Takes the result, if there is one. An error when it was taken before.
    fn take(&mut self) -> Result<Option<Result<R, JobError>>, AlreadyTaken> {
        match mem::replace(&mut self.state, State::Taken) {
            State::Finished(result) => Ok(Some(result)),
            State::Taken => Err(AlreadyTaken),
            other => {
                self.state = other;
                Ok(None)
            }
        }
    }
}

struct AlreadyTaken;

impl AlreadyTaken {
    /// Not to be called under the lock.
    #[track_caller]
    fn panic(self) -> ! {
        panic!(
            "the result of this job was taken when its handle was polled: do not use a handle after it was ready"
        )
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

    fn cancel(&self, why: JobError) -> bool {
        let Some(job) = self.leave_pending(State::Cancelling) else {
            drop_contained(why);
            return false;
        };
        drop_contained(job);
        self.finish(Err(why));
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
            match inner.take() {
                Ok(Some(result)) => return Some(result),
                Ok(None) => {}
                Err(taken) => {
                    drop(inner);
                    taken.panic();
                }
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

    fn poll(&self, waker: &Waker) -> Poll<Result<R, JobError>> {
        {
            let mut inner = lock(&self.inner);
            match inner.take() {
                Ok(Some(result)) => return Poll::Ready(result),
                Ok(None) => {}
                Err(taken) => {
                    drop(inner);
                    taken.panic();
                }
            }
            if let Some(listeners) = &inner.listeners
                && listeners.will_wake(Watcher::Future, waker)
            {
                return Poll::Pending;
            }
        }
        // A waker's clone and drop are code of the user: both happen outside the lock.
        let waker = waker.clone();
        let mut inner = lock(&self.inner);
        let (polled, unused) = match inner.take() {
            // It ended meanwhile. Nobody but the handle takes results, so it was not taken.
            Ok(Some(result)) => (Poll::Ready(result), Some(waker)),
            Ok(None) | Err(AlreadyTaken) => {
                let listeners = inner.listeners.get_or_insert_default();
                (
                    Poll::Pending,
                    listeners.replace(Watcher::Future, Some(waker)),
                )
            }
        };
        drop(inner);
        drop_contained(unused);
        polled
    }

    fn watch(&self, watcher: Watcher, waker: Waker) {
        let mut inner = lock(&self.inner);
        if matches!(inner.state, State::Finished(_) | State::Taken) {
            drop(inner);
            return listeners::wake(waker);
        }
        let listeners = inner.listeners.get_or_insert_default();
        let before = listeners.replace(watcher, Some(waker));
        drop(inner);
        drop_contained(before);
    }

    fn unwatch(&self, watcher: Watcher) {
        let before = lock(&self.inner)
            .listeners
            .as_mut()
            .and_then(|listeners| listeners.replace(watcher, None));
        drop_contained(before);
    }

    fn on_complete(&self, callback: Callback<R>) {
        let mut inner = lock(&self.inner);
        match inner.take() {
            Ok(None) => inner.listeners.get_or_insert_default().add(callback),
            // While the callback runs the result counts as taken, so that it can run without the lock.
            Ok(Some(result)) => {
                drop(inner);
                callback(&result);
                lock(&self.inner).state = State::Finished(result);
            }
            Err(taken) => {
                drop(inner);
                taken.panic();
            }
        }
    }

    fn has_failed(&self) -> bool {
        matches!(lock(&self.inner).state, State::Finished(Err(_)))
    }
}
