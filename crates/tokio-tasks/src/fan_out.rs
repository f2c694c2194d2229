//! From inputs to running tasks: what `map`, `as_completed`, `gather` and `first_completed` have in common.

use std::future::Future;
use std::task::{Context, Poll, ready};

use crate::inputs::Inputs;
use crate::panic::contain;
use crate::running::Running;
use crate::runtime::Runtime;
use crate::turn::{Pace, Turn};
use crate::{TaskError, Tasks};

/// Takes inputs one by one, as the limit allows, and spawns a task for each. Dropping this aborts the tasks.
pub(crate) struct FanOut<I, F, R> {
    inputs: I,
    f: F,
    at_once: usize,
    /// What was called, for the message when there is no runtime.
    caller: &'static str,
    /// That of the first poll.
    runtime: Option<Runtime>,
    taken: usize,
    exhausted: bool,
    shut_down: bool,
    /// Results are looked at only when all inputs have become tasks.
    starts_all: bool,
    pace: Pace,
    running: Running<R>,
}

/// What became of an attempt to start a task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Started,
    /// It never became a task, and was handed out.
    Failed,
    /// There is no input yet.
    Waits,
    /// There are no more inputs.
    Over,
}

/// With more tasks and unread results than this, a read starts one task only: without a limit, the inputs may be endless.
const MANY: usize = 4_096;

impl<I, F, R> FanOut<I, F, R> {
    pub(crate) fn new(tasks: Tasks, caller: &'static str, inputs: I, f: F) -> Self {
        Self {
            inputs,
            f,
            at_once: tasks.at_once(),
            caller,
            runtime: None,
            taken: 0,
            exhausted: false,
            shut_down: false,
            starts_all: false,
            pace: Pace::new(),
            running: Running::new(),
        }
    }

    /// Starts a task of every input before it looks for results.
    pub(crate) fn starting_all(self) -> Self {
        Self {
            starts_all: true,
            ..self
        }
    }

    /// Inputs that were taken so far.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// Whether nothing runs and nothing is left to be started.
    pub(crate) fn is_over(&self) -> bool {
        self.exhausted && self.running.len() == 0
    }

    /// Aborts the tasks and takes no further input; the tasks still end and are handed out.
    pub(crate) fn cancel(&mut self) {
        self.exhausted = true;
        self.running.abort_all();
    }
}

impl<I: Inputs, F, R> FanOut<I, F, R> {
    /// The results that are still to come.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        let running = self.running.len();
        if self.exhausted {
            return (running, Some(running));
        }
        let (least, most) = self.inputs.left();
        (
            least.saturating_add(running),
            most.and_then(|most| most.checked_add(running)),
        )
    }
}

impl<I, F, Fut> FanOut<I, F, Fut::Output>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    /// Whether one more task may be started beside `unread` results that the caller has kept.
    fn has_room(&self, unread: usize) -> bool {
        !self.exhausted && unread + self.running.len() < self.at_once
    }

    fn start(
        &mut self,
        cx: &mut Context<'_>,
        mut each: impl FnMut(usize, Result<Fut::Output, TaskError>),
    ) -> Start {
        let runtime = self
            .runtime
            .get_or_insert_with(|| Runtime::current(self.caller));
        let input = match self.inputs.poll_input(cx) {
            Poll::Ready(Some(input)) => input,
            Poll::Ready(None) => {
                self.exhausted = true;
                return Start::Over;
            }
            Poll::Pending => return Start::Waits,
        };
        let index = self.taken;
        self.taken += 1;
        let failed = if self.shut_down {
            TaskError::Cancelled
        } else {
            match contain(|| (self.f)(input)) {
                Ok(future) => {
                    self.running.spawn(runtime, index, future);
                    return Start::Started;
                }
                Err(panic) => TaskError::Panicked(panic),
            }
        };
        each(index, Err(failed));
        Start::Failed
    }

    /// Starts some of what may be started beside `unread` results that the caller has kept, while it hands out another.
    pub(crate) fn start_beside(
        &mut self,
        cx: &mut Context<'_>,
        mut unread: usize,
        mut each: impl FnMut(usize, Result<Fut::Output, TaskError>),
    ) {
        self.pace.begin();
        while self.has_room(unread) {
            match self.start(cx, &mut each) {
                Start::Started => {}
                Start::Failed => unread += 1,
                Start::Waits | Start::Over => return,
            }
            if self.pace.is_over() || unread + self.running.len() > MANY {
                return;
            }
        }
    }

    /// Starts what may be started until a task has ended, then hands what has ended to `each`. `true`: there was
    /// something; `false`: all is over.
    pub(crate) fn poll_ended(
        &mut self,
        cx: &mut Context<'_>,
        turn: &mut Turn,
        mut each: impl FnMut(usize, Result<Fut::Output, TaskError>),
    ) -> Poll<bool> {
        self.pace.begin();
        let mut waits = false;
        while !waits && self.has_room(0) && (self.starts_all || !self.running.has_ended()) {
            ready!(turn.poll_step(cx));
            match self.start(cx, &mut each) {
                Start::Started => {}
                Start::Failed => return Poll::Ready(true),
                Start::Waits => waits = true,
                Start::Over => break,
            }
            if self.pace.is_over() && !waits {
                // The tasks get their turn, and their results are looked for before more is started.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        if self.running.len() == 0 {
            return if waits {
                Poll::Pending
            } else {
                Poll::Ready(false)
            };
        }
        ready!(turn.poll_step(cx));
        let shut_down = &mut self.shut_down;
        ready!(self.running.poll_ended(cx, |index, outcome| {
            *shut_down |= matches!(outcome, Err(TaskError::Cancelled));
            each(index, outcome);
        }));
        Poll::Ready(true)
    }
}
