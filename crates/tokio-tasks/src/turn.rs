//! How much one poll may do before the other tasks of the thread get their turn.

use std::future::{Future, poll_fn};
use std::task::{Context, Poll};

/// Enough that the cost of coming back does not show, few enough that nobody notices the wait, and that what was spawned
/// in one turn is still in the cache when it runs.
const STEPS: usize = 32;

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
