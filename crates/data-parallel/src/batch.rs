//! [`Batch`], the inputs of a stream that one worker turns into results.
//!
//! ```text
//! Pending ──run──► Running ──► Done ──wait──► Gone
//!    └──────────cancel─────────────────────────►┘
//! ```
//!
//! A pending batch belongs to the first thread that takes it: a worker, a consumer that is a worker
//! itself and would otherwise wait for itself, or the drop of the stream.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "public to the model checks only"
)]

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use crate::panic::{TaskPanic, catch, drop_quietly};
use crate::sync::{Condvar, Mutex, ThreadId, current, lock, wait};

pub struct Batch<T, R, F> {
    state: Mutex<State<T, R, F>>,
    done: Condvar,
}

enum State<T, R, F> {
    /// Holds the function, which the queued job does not, so that a cancelled batch holds nothing.
    Pending(Vec<T>, Arc<F>),
    Running(ThreadId),
    Done(Vec<Result<R, TaskPanic>>),
    Gone,
}

/// The outcome of [`Batch::wait`].
pub enum Waited<R> {
    Results(Vec<Result<R, TaskPanic>>),
    TimedOut,
    /// The batch runs further down the stack of the calling thread, so it would never end.
    OnThisThread,
}

impl<T, R, F> Batch<T, R, F> {
    pub fn new(inputs: Vec<T>, f: Arc<F>) -> Self {
        Self {
            state: Mutex::new(State::Pending(inputs, f)),
            done: Condvar::new(),
        }
    }

    /// Runs the batch on this thread if it is pending. Calls `count` after each item.
    pub fn run(&self, mut count: impl FnMut())
    where
        F: Fn(T) -> R,
    {
        let Some((inputs, f)) = self.take(State::Running(current().id())) else {
            return;
        };
        let results = inputs
            .into_iter()
            .map(|input| {
                let result = catch(|| f(input));
                count();
                result
            })
            .collect();
        // Before the batch is done: a consumer that has all results finds all items counted and the
        // function released. Quietly, since a panic here would lose the results.
        drop(count);
        drop_quietly(f);
        *lock(&self.state) = State::Done(results);
        self.done.notify_all();
    }

    /// Takes the inputs back if the batch is pending.
    pub fn cancel(&self) -> Option<(Vec<T>, Arc<F>)> {
        self.take(State::Gone)
    }

    fn take(&self, next: State<T, R, F>) -> Option<(Vec<T>, Arc<F>)> {
        let mut state = lock(&self.state);
        match mem::replace(&mut *state, State::Gone) {
            State::Pending(inputs, f) => {
                *state = next;
                Some((inputs, f))
            }
            taken => {
                *state = taken;
                None
            }
        }
    }

    /// Waits until the batch is done and takes the results. A batch that is gone has none.
    pub fn wait(&self, deadline: Option<Instant>) -> Waited<R> {
        let mut state = lock(&self.state);
        loop {
            match mem::replace(&mut *state, State::Gone) {
                State::Done(results) => return Waited::Results(results),
                State::Gone => return Waited::Results(Vec::new()),
                State::Running(thread) if thread == current().id() => {
                    *state = State::Running(thread);
                    return Waited::OnThisThread;
                }
                other => *state = other,
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Waited::TimedOut;
            }
            state = wait(&self.done, state, deadline);
        }
    }
}
