//! Tasks made from inputs as the limit allows: what `map`, `as_completed` and `first_completed` share.

use std::future::Future;
use std::task::{Context, Poll, ready};

use crate::TaskError;
use crate::inputs::Inputs;
use crate::panic::{Contained, contain};
use crate::set::{Ended, Set};
use crate::turn::{STEPS, Turn};

/// The number of an input, and the result of its task.
pub(crate) type Completed<T> = (usize, Result<T, TaskError>);

/// Inputs that are left, and the tasks of those that were taken.
pub(crate) struct Running<I, F, Fut> {
    inputs: Contained<I>,
    exhausted: bool,
    make: Contained<F>,
    at_once: usize,
    started: usize,
    tasks: Set<Fut>,
    /// Whether new tasks come first, before those that were woken, and for how many steps more.
    starting: bool,
    phase: usize,
}

impl<I, F, Fut> Running<I, F, Fut> {
    /// Whether all results were handed out.
    pub(crate) fn is_done(&self) -> bool {
        self.exhausted && self.under_way() == 0
    }

    pub(crate) fn under_way(&self) -> usize {
        self.tasks.len()
    }
}

impl<I, F, Fut> Running<I, F, Fut>
where
    I: Inputs,
    F: FnMut(I::Input) -> Fut,
    Fut: Future,
{
    pub(crate) fn new(inputs: I, make: F, at_once: usize) -> Self {
        Self {
            inputs: Contained::new(inputs),
            exhausted: false,
            make: Contained::new(make),
            at_once,
            started: 0,
            tasks: Set::new(),
            starting: true,
            phase: STEPS,
        }
    }

    /// How many results are still to come, as far as the inputs say.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        let (low, high) = match self.exhausted {
            true => (0, Some(0)),
            false => self.inputs.get().left(),
        };
        let under_way = self.tasks.len();
        (
            low.saturating_add(under_way),
            high.and_then(|high| high.checked_add(under_way)),
        )
    }

    /// The next task that ends, by the number of its input. `None`: all have.
    ///
    /// New tasks and woken ones take turns, some at a time: whichever came first for good could keep the other from ever
    /// being polled, an endless iterator of tasks that end at once, or tasks that wake themselves until a later one has
    /// been started. It also keeps memory down where tasks are short.
    pub(crate) fn poll_ended(
        &mut self,
        cx: &mut Context<'_>,
        turn: &mut Turn,
    ) -> Poll<Option<Completed<Fut::Output>>> {
        let mut waits = false;
        loop {
            if self.is_done() {
                return Poll::Ready(None);
            }
            ready!(turn.poll_step(cx));
            if self.phase == 0 {
                self.starting = !self.starting;
                self.phase = STEPS;
            }
            self.phase -= 1;
            let room = !self.exhausted && !waits && self.tasks.len() < self.at_once;
            let ended = if room && self.starting {
                self.start(cx, &mut waits)
            } else if let Some(place) = self.tasks.next_woken() {
                let ended = self.tasks.poll(place).map(named);
                turn.polled(ended.is_some());
                ended
            } else if room {
                self.start(cx, &mut waits)
            } else {
                if self.tasks.poll_woken(cx).is_pending() {
                    *turn = Turn::new();
                    return Poll::Pending;
                }
                None
            };
            if ended.is_some() {
                return Poll::Ready(ended);
            }
        }
    }

    /// Makes a task of the next input, if there is one, and polls it at once, while it is in the cache. What ends there
    /// and then, or is no task since `make` panicked, has its result.
    /// `waits`: there is no input yet.
    fn start(&mut self, cx: &mut Context<'_>, waits: &mut bool) -> Option<Completed<Fut::Output>> {
        let input = match self.inputs.get_mut().poll_input(cx) {
            Poll::Ready(Some(input)) => input,
            Poll::Ready(None) => {
                self.exhausted = true;
                return None;
            }
            Poll::Pending => {
                *waits = true;
                return None;
            }
        };
        let number = self.started;
        self.started += 1;
        match contain(|| (self.make.get_mut())(input)) {
            Ok(future) => self.tasks.start(number, future).map(named),
            Err(panic) => Some((number, Err(TaskError::Panicked(panic)))),
        }
    }
}

fn named<T>((number, outcome): Ended<T>) -> Completed<T> {
    (number, outcome.map_err(TaskError::Panicked))
}
