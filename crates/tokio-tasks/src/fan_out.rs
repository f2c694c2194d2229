//! `FanOut`, which turns inputs into running tasks: shared by `map`, `as_completed` and
//! `first_completed`.

use std::future::Future;
use std::task::{Context, Poll, ready};

use crate::error::TaskError;
use crate::inputs::Inputs;
use crate::panic::catch;
use crate::poll_budget::{PollBudget, StartBudget};
use crate::running::Running;
use crate::runtime::Runtime;
use crate::tasks::Tasks;

/// Takes inputs one by one, as the limit allows, and spawns a task for each. Dropping this aborts
/// the tasks.
pub(crate) struct FanOut<I, F, R> {
    inputs: I,
    f: F,
    limit: usize,
    /// The public function, for the panic message without a runtime.
    caller: &'static str,
    /// The runtime of the first poll.
    runtime: Option<Runtime>,
    taken: usize,
    exhausted: bool,
    shut_down: bool,
    /// Whether all inputs become tasks before any result is read.
    starts_all: bool,
    start_budget: StartBudget,
    running: Running<R>,
}

/// The outcome of an attempt to start a task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Started,
    /// The input has a result already: there is no task.
    Failed,
    /// The next input is not there yet.
    NoInput,
    /// There are no more inputs.
    Exhausted,
}

/// The number of tasks and unread results beyond which a read starts only one task. Without a
/// limit, the inputs may be endless.
const MANY: usize = 4_096;

impl<I, F, R> FanOut<I, F, R> {
    pub(crate) fn new(tasks: Tasks, caller: &'static str, inputs: I, f: F) -> Self {
        Self {
            inputs,
            f,
            limit: tasks.max_in_flight(),
            caller,
            runtime: None,
            taken: 0,
            exhausted: false,
            shut_down: false,
            starts_all: false,
            start_budget: StartBudget::new(),
            running: Running::new(),
        }
    }

    /// Starts a task of every input before it reads results.
    pub(crate) fn starting_all(self) -> Self {
        Self {
            starts_all: true,
            ..self
        }
    }

    /// The number of inputs that were taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// Whether no task runs and no input is left.
    pub(crate) fn is_over(&self) -> bool {
        self.exhausted && self.running.len() == 0
    }

    /// Aborts the tasks and takes no further input. The results of the tasks still arrive.
    pub(crate) fn cancel(&mut self) {
        self.exhausted = true;
        self.running.abort_all();
    }
}

impl<I: Inputs, F, R> FanOut<I, F, R> {
    /// Bounds on the number of results to come.
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
    /// Whether one more task may start beside `unread` results that the caller has kept.
    fn has_room(&self, unread: usize) -> bool {
        !self.exhausted && unread + self.running.len() < self.limit
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
                return Start::Exhausted;
            }
            Poll::Pending => return Start::NoInput,
        };
        let index = self.taken;
        self.taken += 1;
        let error = if self.shut_down {
            TaskError::Cancelled
        } else {
            match catch(|| (self.f)(input)) {
                Ok(future) => {
                    self.running.spawn(runtime, index, future);
                    return Start::Started;
                }
                Err(panic) => TaskError::Panicked(panic),
            }
        };
        each(index, Err(error));
        Start::Failed
    }

    /// Starts a few tasks, while the caller returns one result and keeps `unread` others.
    pub(crate) fn start_beside(
        &mut self,
        cx: &mut Context<'_>,
        mut unread: usize,
        mut each: impl FnMut(usize, Result<Fut::Output, TaskError>),
    ) {
        self.start_budget.renew();
        while self.has_room(unread) {
            match self.start(cx, &mut each) {
                Start::Started => {}
                Start::Failed => unread += 1,
                Start::NoInput | Start::Exhausted => return,
            }
            if self.start_budget.is_exhausted() || unread + self.running.len() > MANY {
                return;
            }
        }
    }

    /// Starts tasks until one has ended, then passes all that have ended to `each`. Returns `false`
    /// after the last.
    pub(crate) fn poll_ended(
        &mut self,
        cx: &mut Context<'_>,
        budget: &mut PollBudget,
        mut each: impl FnMut(usize, Result<Fut::Output, TaskError>),
    ) -> Poll<bool> {
        self.start_budget.renew();
        let mut no_input = false;
        while !no_input && self.has_room(0) && (self.starts_all || !self.running.has_ended()) {
            ready!(budget.poll_step(cx));
            match self.start(cx, &mut each) {
                Start::Started => {}
                Start::Failed => return Poll::Ready(true),
                Start::NoInput => no_input = true,
                Start::Exhausted => break,
            }
            if self.start_budget.is_exhausted() && !no_input {
                // The tasks run, and their results are read, before more start.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        if self.running.len() == 0 {
            return if no_input {
                Poll::Pending
            } else {
                Poll::Ready(false)
            };
        }
        ready!(budget.poll_step(cx));
        let shut_down = &mut self.shut_down;
        ready!(self.running.poll_ended(cx, |index, result| {
            *shut_down |= matches!(result, Err(TaskError::Cancelled));
            each(index, result);
        }));
        Poll::Ready(true)
    }
}
