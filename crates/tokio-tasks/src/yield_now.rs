//! `yield_now`, which lets the other tasks of the thread run once.
//!
//! Several crates link this file.

use std::future::{Future, poll_fn};
use std::task::Poll;

/// Wakes the task and is pending once.
pub(crate) fn yield_now() -> impl Future<Output = ()> {
    let mut yielded = false;
    poll_fn(move |cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}
