//! How much one poll may do before the other tasks of the thread get their turn.

use std::future::{Future, poll_fn};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Enough that the cost of coming back does not show, few enough that nobody notices the wait, and that what was spawned
/// in one turn is still in the cache when it runs.
const STEPS: usize = 32;

/// Starting tasks for longer than this is enough for a turn.
const SLICE: Duration = Duration::from_micros(250);

/// The steps left in this poll.
pub(crate) struct Turn(usize);

impl Turn {
    pub(crate) fn new() -> Self {
        Self(STEPS)
    }

    /// Takes one step; `Pending`, with the task already woken again and a new turn begun, when the turn is over.
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

/// How many tasks are started before the results of those that run are looked at. Inputs may come slowly, from a file or
/// by a computation, so time counts as well. The clock is read after 1, 2, 4, 8 and 16 tasks.
pub(crate) struct Pace {
    since: Option<Instant>,
    steps: usize,
}

impl Pace {
    pub(crate) fn new() -> Self {
        let (since, steps) = (None, 0);
        Self { since, steps }
    }

    /// The time until the next step does not count.
    pub(crate) fn begin(&mut self) {
        *self = Self {
            since: Some(Instant::now()),
            steps: 0,
        };
    }

    /// One more task was started. Whether that is enough for now.
    pub(crate) fn is_over(&mut self) -> bool {
        self.steps += 1;
        let is_slow = || self.since.is_some_and(|since| since.elapsed() >= SLICE);
        self.steps >= STEPS || self.steps.is_power_of_two() && is_slow()
    }
}

/// Lets the other tasks of the thread run once.
pub(crate) fn give_way() -> impl Future<Output = ()> {
    let mut given = false;
    poll_fn(move |cx| {
        if given {
            return Poll::Ready(());
        }
        given = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}
