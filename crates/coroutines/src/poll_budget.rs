//! `PollBudget`, the work that one poll may do before it yields to the other tasks of its thread.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The number of steps between two readings of the clock.
pub(crate) const STEPS: usize = 32;

/// The number of consecutive polls without an ended task that exhausts a budget.
///
/// Such tasks may be waiting for the executor itself: after 128 operations, tokio's sockets,
/// channels and locks stay pending until its executor runs again, so polling on is useless.
const FRUITLESS_POLLS: usize = 128;

/// The time that exhausts a budget.
///
/// Other tasks wait for time, not steps. A fixed number of steps would be too small where a step
/// takes nanoseconds, since coming back may cost the executor a few system calls, and too large
/// where a step takes long.
const TIME_SLICE: Duration = Duration::from_micros(250);

/// The rest of a budget.
#[derive(Debug)]
pub(crate) struct PollBudget {
    steps: usize,
    /// The first reading of the clock.
    since: Option<Instant>,
    /// Consecutive polls without an ended task.
    fruitless: usize,
}

impl PollBudget {
    pub(crate) const fn new() -> Self {
        Self {
            steps: STEPS,
            since: None,
            fruitless: 0,
        }
    }

    /// Records that a task was polled, and whether it ended.
    pub(crate) fn polled(&mut self, ended: bool) {
        self.fruitless = if ended { 0 } else { self.fruitless + 1 };
    }

    /// Takes one step. If the budget is exhausted, renews it, wakes the task and returns `Pending`.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.fruitless >= FRUITLESS_POLLS || (self.steps == 0 && self.is_time_up()) {
            *self = Self::new();
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.steps == 0 {
            self.steps = STEPS;
        }
        self.steps -= 1;
        Poll::Ready(())
    }

    fn is_time_up(&mut self) -> bool {
        let now = Instant::now();
        now.duration_since(*self.since.get_or_insert(now)) >= TIME_SLICE
    }
}
