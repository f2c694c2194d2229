//! From inputs to running tasks: what `map`, `as_completed`, `gather` and `first_completed` have in common.

use std::future::Future;
use std::task::{Context, Poll, ready};

use crate::panic::contain;
use crate::running::Running;
use crate::runtime::Runtime;
use crate::turn::Turn;
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
    running: Running<R>,
}

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
            running: Running::new(),
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

impl<I: Iterator, F, R> FanOut<I, F, R> {
    /// The results that are still to come.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        let running = self.running.len();
        if self.exhausted {
            return (running, Some(running));
        }
        let (least, most) = self.inputs.size_hint();
        (
            least.saturating_add(running),
            most.and_then(|most| most.checked_add(running)),
        )
    }
}

impl<I, F, Fut> FanOut<I, F, Fut::Output>
where
    I: Iterator,
    F: FnMut(I::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    /// Starts what may be started beside `unread` results that the caller has kept. `true`: some never became tasks and
    /// were handed to `each`; there may be more to start.
    pub(crate) fn poll_start(
        &mut self,
        cx: &mut Context<'_>,
        turn: &mut Turn,
        unread: usize,
        mut each: impl FnMut(usize, Result<Fut::Output, TaskError>),
    ) -> Poll<bool> {
        let runtime = self
            .runtime
            .get_or_insert_with(|| Runtime::current(self.caller));
        while !self.exhausted && unread + self.running.len() < self.at_once {
            ready!(turn.poll_step(cx));
            let Some(input) = self.inputs.next() else {
                self.exhausted = true;
                break;
            };
            let index = self.taken;
            self.taken += 1;
            let failed = if self.shut_down {
                TaskError::Cancelled
            } else {
                match contain(|| (self.f)(input)) {
                    Ok(future) => {
                        self.running.spawn(runtime, index, future);
                        continue;
                    }
                    Err(panic) => TaskError::Panicked(panic),
                }
            };
            each(index, Err(failed));
            return Poll::Ready(true);
        }
        Poll::Ready(false)
    }

    /// Starts what may be started, then hands what has ended to `each`. `true`: there was something; `false`: all is
    /// over.
    pub(crate) fn poll_ended(
        &mut self,
        cx: &mut Context<'_>,
        turn: &mut Turn,
        mut each: impl FnMut(usize, Result<Fut::Output, TaskError>),
    ) -> Poll<bool> {
        if ready!(self.poll_start(cx, turn, 0, &mut each)) {
            return Poll::Ready(true);
        }
        if self.running.len() == 0 {
            return Poll::Ready(false);
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
