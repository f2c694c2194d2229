//! `PollBudget` and `StartBudget`, the work that one poll may do before it yields to other tasks.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The number of steps in one poll.
///
/// It is large enough to hide the cost of coming back. It is small enough that other tasks do not
/// wait noticeably, and that tasks spawned in one poll are still in the cache when they run.
const STEPS: usize = 32;

/// The time after which no more tasks are started in one poll.
const TIME_SLICE: Duration = Duration::from_micros(250);

/// The steps that are left in this poll.
pub(crate) struct PollBudget(usize);

impl PollBudget {
    pub(crate) fn new() -> Self {
        Self(STEPS)
    }

    /// Takes one step. If none is left, renews the budget, wakes the task and returns `Pending`.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            *self = Self::new();
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.0 -= 1;
        Poll::Ready(())
    }
}

/// The tasks that may start before the results of running ones are read.
///
/// Inputs may be slow, as when they come from a file, so time counts as well. The clock is read
/// after 1, 2, 4, 8 and 16 tasks.
pub(crate) struct StartBudget {
    since: Option<Instant>,
    started: usize,
}

impl StartBudget {
    pub(crate) fn new() -> Self {
        let (since, started) = (None, 0);
        Self { since, started }
    }

    /// Renews the budget. The time until this call does not count.
    pub(crate) fn renew(&mut self) {
        *self = Self {
            since: Some(Instant::now()),
            started: 0,
        };
    }

    /// Counts one more started task. Returns whether the budget is exhausted.
    pub(crate) fn is_exhausted(&mut self) -> bool {
        self.started += 1;
        let is_slow = || {
            self.since
                .is_some_and(|since| since.elapsed() >= TIME_SLICE)
        };
        self.started >= STEPS || self.started.is_power_of_two() && is_slow()
    }
}
