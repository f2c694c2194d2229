//! One piece of a stream: inputs that a worker takes and turns into results, or that the consumer takes back.
//!
//! ```text
//! Pending ──run──► Running ──► Done ──wait──► Gone
//!    └──────────cancel─────────────────────────►┘
//! ```
//!
//! Whoever finds it pending has it: a worker, the consumer that is a worker itself and would wait for itself otherwise,
//! or a stream that is dropped.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use crate::TaskPanic;
use crate::contain::{contain, drop_contained};
use crate::sync::{Condvar, Mutex, ThreadId, current, lock, wait};

pub(crate) struct Piece<T, R, F> {
    state: Mutex<State<T, R, F>>,
    done: Condvar,
}

enum State<T, R, F> {
    /// The function is here and not with the job in the queue, so that a cancelled piece holds nothing of the user's.
    Pending(Vec<T>, Arc<F>),
    Running(ThreadId),
    Done(Vec<Result<R, TaskPanic>>),
    Gone,
}

/// What a wait has brought.
pub(crate) enum Waited<R> {
    Results(Vec<Result<R, TaskPanic>>),
    /// Not yet.
    Late,
    /// Never: the piece runs further down the stack of the very thread that would wait.
    OnThisThread,
}

impl<T, R, F> Piece<T, R, F> {
    pub(crate) fn new(inputs: Vec<T>, f: Arc<F>) -> Self {
        Self {
            state: Mutex::new(State::Pending(inputs, f)),
            done: Condvar::new(),
        }
    }

    /// Do it here, if nobody has taken it. `count` is told of each item that is done.
    pub(crate) fn run(&self, mut count: impl FnMut())
    where
        F: Fn(T) -> R,
    {
        let Some((inputs, f)) = self.take(State::Running(current().id())) else {
            return;
        };
        let results = inputs
            .into_iter()
            .map(|input| {
                let result = contain(|| f(input));
                count();
                result
            })
            .collect();
        // Before it is done: once the consumer has all results, all are counted and nothing of the user's is left here.
        drop(count);
        drop_contained(f);
        *lock(&self.state) = State::Done(results);
        self.done.notify_all();
    }

    /// Take the inputs back, if nobody has taken them.
    pub(crate) fn cancel(&self) -> Option<(Vec<T>, Arc<F>)> {
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

    /// Wait until it is done, and take the results. One that is gone already has none.
    pub(crate) fn wait(&self, until: Option<Instant>) -> Waited<R> {
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
            if until.is_some_and(|until| Instant::now() >= until) {
                return Waited::Late;
            }
            state = wait(&self.done, state, until);
        }
    }
}
