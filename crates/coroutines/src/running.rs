//! `Running`, the inputs and tasks of one call: shared by `map`, `as_completed` and
//! `first_completed`.

use std::future::Future;
use std::task::{Context, Poll, ready};

use crate::error::TaskError;
use crate::inputs::Inputs;
use crate::panic::catch;
use crate::poll_budget::{PollBudget, STEPS};
use crate::set::{Ended, Set};

/// The index of an input, and the result of its task.
pub(crate) type Completed<T> = (usize, Result<T, TaskError>);

/// The inputs that are left, and the tasks of those that were taken.
pub(crate) struct Running<I, F, Fut> {
    inputs: I,
    exhausted: bool,
    make: F,
    limit: usize,
    started: usize,
    tasks: Set<Fut>,
    /// Whether new tasks have precedence over woken ones, for `phase` steps more.
    starting: bool,
    phase: usize,
}

impl<I, F, Fut> Running<I, F, Fut> {
    /// Whether all results were returned.
    pub(crate) fn is_done(&self) -> bool {
        self.exhausted && self.in_flight() == 0
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.tasks.len()
    }
}

impl<I, F, Fut> Running<I, F, Fut>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future,
{
    pub(crate) fn new(inputs: I, make: F, limit: usize) -> Self {
        Self {
            inputs,
            exhausted: false,
            make,
            limit,
            started: 0,
            tasks: Set::new(),
            starting: true,
            phase: STEPS,
        }
    }

    /// The number of results to come, as far as the inputs know it.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        let (low, high) = match self.exhausted {
            true => (0, Some(0)),
            false => self.inputs.left(),
        };
        let in_flight = self.tasks.len();
        (
            low.saturating_add(in_flight),
            high.and_then(|high| high.checked_add(in_flight)),
        )
    }

    /// The result of the next task that ends; `None` after the last.
    ///
    /// New and woken tasks alternate, a few steps each. If new tasks always came first, an endless
    /// iterator of tasks that end at once would keep the others from being polled. If woken tasks
    /// did, a task that wakes itself until a later one starts would never end. Alternating also
    /// bounds the memory of short tasks.
    pub(crate) fn poll_ended(
        &mut self,
        cx: &mut Context<'_>,
        budget: &mut PollBudget,
    ) -> Poll<Option<Completed<Fut::Output>>> {
        let mut no_input = false;
        loop {
            if self.is_done() {
                return Poll::Ready(None);
            }
            ready!(budget.poll_step(cx));
            if self.phase == 0 {
                self.starting = !self.starting;
                self.phase = STEPS;
            }
            self.phase -= 1;
            let room = !self.exhausted && !no_input && self.tasks.len() < self.limit;
            let ended = if room && self.starting {
                self.start(cx, &mut no_input)
            } else if let Some(woken) = self.tasks.next_woken() {
                let ended = self.tasks.poll(woken).map(completed);
                budget.polled(ended.is_some());
                ended
            } else if room {
                self.start(cx, &mut no_input)
            } else {
                if self.tasks.poll_woken(cx).is_pending() {
                    *budget = PollBudget::new();
                    return Poll::Pending;
                }
                None
            };
            if ended.is_some() {
                return Poll::Ready(ended);
            }
        }
    }

    /// Starts a task of the next input, if there is one, and polls it while it is in the cache.
    ///
    /// Returns its result if it ends at once, or if `make` panicked. Sets `no_input` if the inputs
    /// have none yet.
    fn start(
        &mut self,
        cx: &mut Context<'_>,
        no_input: &mut bool,
    ) -> Option<Completed<Fut::Output>> {
        let input = match self.inputs.poll_input(cx) {
            Poll::Ready(Some(input)) => input,
            Poll::Ready(None) => {
                self.exhausted = true;
                return None;
            }
            Poll::Pending => {
                *no_input = true;
                return None;
            }
        };
        let index = self.started;
        self.started += 1;
        match catch(|| (self.make)(input)) {
            Ok(future) => self.tasks.start(index, future).map(completed),
            Err(panic) => Some((index, Err(TaskError::Panicked(panic)))),
        }
    }
}

fn completed<T>((index, result): Ended<T>) -> Completed<T> {
    (index, result.map_err(TaskError::Panicked))
}
