//! How much may be done at a stretch before the other tasks of the thread get their turn.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// So many steps are done before the clock is read, and again each time.
pub(crate) const STEPS: usize = 32;

/// So many polls in a row of tasks that all go on end a turn. They may wait for the executor itself: tokio's sockets,
/// channels and locks refuse all further work until it had its turn when they did 128 things in this one. To go on polling
/// them is in vain.
const IN_VAIN: usize = 128;

/// Time is what the others wait for, so time is what is limited: a number of steps alone is too few where a step takes
/// nanoseconds, since coming back may take the executor some system calls, or too many where it takes much.
const SLICE: Duration = Duration::from_micros(250);

/// What is left of a turn.
#[derive(Debug)]
pub(crate) struct Turn {
    steps: usize,
    /// Since when, as far as the clock was read.
    since: Option<Instant>,
    /// How many tasks in a row were polled and went on.
    in_vain: usize,
}

impl Turn {
    pub(crate) const fn new() -> Self {
        Self {
            steps: STEPS,
            since: None,
            in_vain: 0,
        }
    }

    /// Notes that a task was polled, and whether it ended.
    pub(crate) fn polled(&mut self, ended: bool) {
        self.in_vain = if ended { 0 } else { self.in_vain + 1 };
    }

    /// Takes one step; `Pending`, with the task already woken again and a new turn begun, when the turn is over.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.in_vain >= IN_VAIN || (self.steps == 0 && self.is_over()) {
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

    fn is_over(&mut self) -> bool {
        let now = Instant::now();
        now.duration_since(*self.since.get_or_insert(now)) >= SLICE
    }
}

/// Lets the other tasks of the thread run once.
pub(crate) async fn give_way() {
    let mut given = false;
    poll_fn(|cx| {
        if given {
            return Poll::Ready(());
        }
        given = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
