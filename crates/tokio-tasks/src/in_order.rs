//! All tasks at once, awaited in the order of their inputs.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::contained::Contained;
use crate::inputs::Inputs;
use crate::panic::contain;
use crate::runtime::{Runtime, Task};
use crate::slots::{Held, Kept, reserved};
use crate::turn::Turn;
use crate::wake::QuietWaker;
use crate::{TaskError, TaskPanic};

/// Without a limit nobody has to know which task ends first: each keeps its result until it is its turn. That saves the
/// inbox of [`Running`](crate::running::Running), which costs half as much again as the task. Dropping this aborts the
/// tasks.
pub(crate) struct InOrder<I, F, R> {
    inputs: I,
    f: F,
    runtime: Runtime,
    exhausted: bool,
    waker: QuietWaker,
    /// One per input that was taken.
    tasks: Vec<Started<R>>,
    /// As many as were awaited.
    results: Kept<Result<R, TaskError>>,
}

/// What became of an input.
enum Started<R> {
    Task(Task<Held<Result<R, TaskPanic>>>),
    /// There was no future, since the function panicked.
    Nothing(TaskPanic),
    /// Its result has been taken.
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
            waker: QuietWaker::default(),
            results: Kept::new(),
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
        let mut turn = Turn::new();
        while !self.exhausted {
            ready!(turn.poll_step(cx));
            match ready!(self.inputs.poll_input(cx)) {
                Some(input) => self.tasks.push(match contain(|| (self.f)(input)) {
                    Ok(future) => Started::Task(self.runtime.spawn(Holding {
                        future: Contained::new(future),
                    })),
                    Err(panic) => Started::Nothing(panic),
                }),
                None => {
                    self.exhausted = true;
                    self.results.reserve(self.tasks.len());
                }
            }
        }
        let mut awaiting = Context::from_waker(self.waker.of(cx));
        while self.results.len() < self.tasks.len() {
            ready!(turn.poll_step(cx));
            let next = &mut self.tasks[self.results.len()];
            let ended = match next {
                Started::Task(task) => {
                    ready!(task.poll_end(&mut awaiting)).and_then(Held::into_value)
                }
                _ => None,
            };
            let result = match (ended, std::mem::replace(next, Started::Awaited)) {
                (Some(outcome), _) => outcome.map_err(TaskError::Panicked),
                (None, Started::Nothing(panic)) => Err(TaskError::Panicked(panic)),
                (None, _) => Err(TaskError::Cancelled),
            };
            self.results.push(result);
        }
        let results = std::mem::replace(&mut self.results, Kept::new());
        Poll::Ready(results.into_vec())
    }
}

pin_project! {
    /// The future that is spawned. The runtime keeps what it ends with, and may be the one to drop it.
    struct Holding<F> {
        #[pin]
        future: Contained<F>,
    }
}

impl<F: Future> Future for Holding<F> {
    type Output = Held<Result<F::Output, TaskPanic>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx).map(Held::new)
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
