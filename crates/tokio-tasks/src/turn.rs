//! How much one poll may do before the other tasks of the thread get their turn.

use std::task::{Context, Poll};

/// Enough that the cost of coming back does not show, few enough that nobody notices the wait.
const STEPS: usize = 32;

/// The steps left in this poll.
pub(crate) struct Turn(usize);

impl Turn {
    pub(crate) fn new() -> Self {
        Self(STEPS)
    }

    /// Takes one step; `Pending`, with the task already woken again, when the turn is over.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.0 -= 1;
        Poll::Ready(())
    }
}
