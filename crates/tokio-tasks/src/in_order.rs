//! `InOrder`, all tasks at once, awaited in the order of their inputs.

use std::future::Future;
use std::mem;
use std::task::{Context, Poll, ready};

use crate::catch_unwind::CatchUnwind;
use crate::error::TaskError;
use crate::inputs::Inputs;
use crate::panic::{TaskPanic, catch};
use crate::poll_budget::PollBudget;
use crate::runtime::{Runtime, Task};
use crate::slots::reserved;

/// The tasks of a map without a limit. Dropping this aborts them.
///
/// Without a limit it does not matter which task ends first, so each keeps its result until it is
/// awaited in its turn. That saves the inbox of `Running`, which costs half as much as the task.
pub(crate) struct InOrder<I, F, R> {
    inputs: I,
    f: F,
    runtime: Runtime,
    exhausted: bool,
    /// One per input that was taken.
    tasks: Vec<Started<R>>,
    /// The results of the tasks that were awaited.
    results: Vec<Result<R, TaskError>>,
}

/// The task of an input.
enum Started<R> {
    Task(Task<Result<R, TaskPanic>>),
    /// The function that makes the future panicked.
    Failed(TaskPanic),
    /// Its result was taken.
    Awaited,
}

impl<I: Inputs, F, R> InOrder<I, F, R> {
    pub(crate) fn new(runtime: Runtime, inputs: I, f: F) -> Self {
        Self {
            tasks: reserved(inputs.left()),
            inputs,
            f,
            runtime,
            exhausted: false,
            results: Vec::new(),
        }
    }
}

impl<I, F, Fut> InOrder<I, F, Fut::Output>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    /// Starts all tasks, then awaits all.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Vec<Result<Fut::Output, TaskError>>> {
        let mut budget = PollBudget::new();
        while !self.exhausted {
            ready!(budget.poll_step(cx));
            match ready!(self.inputs.poll_input(cx)) {
                Some(input) => self.tasks.push(match catch(|| (self.f)(input)) {
                    Ok(future) => Started::Task(self.runtime.spawn(CatchUnwind::new(future))),
                    Err(panic) => Started::Failed(panic),
                }),
                None => {
                    self.exhausted = true;
                    self.results.reserve(self.tasks.len());
                }
            }
        }
        while self.results.len() < self.tasks.len() {
            ready!(budget.poll_step(cx));
            let next = &mut self.tasks[self.results.len()];
            let ended = match next {
                Started::Task(task) => ready!(task.poll_end(cx)),
                _ => None,
            };
            let result = match (ended, mem::replace(next, Started::Awaited)) {
                (Some(result), _) => result.map_err(TaskError::Panicked),
                (None, Started::Failed(panic)) => Err(TaskError::Panicked(panic)),
                (None, _) => Err(TaskError::Cancelled),
            };
            self.results.push(result);
        }
        Poll::Ready(mem::take(&mut self.results))
    }
}

impl<I, F, R> Drop for InOrder<I, F, R> {
    fn drop(&mut self) {
        for started in self.tasks.drain(..) {
            if let Started::Task(task) = started {
                task.abort();
            }
        }
    }
}
