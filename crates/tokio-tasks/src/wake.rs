//! A waker whose panics go no further.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use crate::panic::contain;

/// Calls another waker. A runtime that calls wakers may not expect one to panic: async-task ends the process then.
struct Quiet(Waker);

impl Wake for Quiet {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        drop(contain(|| self.0.wake_by_ref()));
    }
}

/// The quiet waker of one who polls again and again, made anew only when the one behind it changes.
#[derive(Default)]
pub(crate) struct QuietWaker {
    behind: Option<Arc<Quiet>>,
    waker: Option<Waker>,
}

impl QuietWaker {
    /// One that wakes what `cx` wakes.
    pub(crate) fn of(&mut self, cx: &Context<'_>) -> &Waker {
        let same = |quiet: &Arc<Quiet>| quiet.0.will_wake(cx.waker());
        if !self.behind.as_ref().is_some_and(same) {
            self.waker = None;
        }
        self.waker.get_or_insert_with(|| {
            let quiet = Arc::new(Quiet(cx.waker().clone()));
            self.behind = Some(Arc::clone(&quiet));
            Waker::from(quiet)
        })
    }
}
