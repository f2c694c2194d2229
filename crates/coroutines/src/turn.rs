//! How much may be done at a stretch before the other tasks of the thread get their turn.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// So many steps are done before the clock is read, and again each time.
pub(crate) const STEPS: usize = 32;

/// Time is what the others wait for, so time is what is limited: a number of steps alone is too few where a step takes
/// nanoseconds, since coming back may take the executor some system calls, or too many where it takes much.
const SLICE: Duration = Duration::from_micros(250);

/// What is left of a turn.
#[derive(Debug)]
pub(crate) struct Turn {
    steps: usize,
    /// Since when, as far as the clock was read.
    since: Option<Instant>,
}

impl Turn {
    pub(crate) const fn new() -> Self {
        Self {
            steps: STEPS,
            since: None,
        }
    }

    /// Takes one step; `Pending`, with the task already woken again and a new turn begun, when the turn is over.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.steps == 0 {
            if self.is_over() {
                *self = Self::new();
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
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
