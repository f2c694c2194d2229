//! A future whose panics are results.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::TaskPanic;
use crate::panic::{contain, drop_contained};

pin_project! {
    /// Polls a future and catches what it panics with. The future is dropped as soon as it has ended, inside the same
    /// containment, so that one which panics in its `Drop` is also an error of this task alone.
    pub(crate) struct Contained<F> {
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Contained<F> {
        fn drop(this: Pin<&mut Self>) {
            // Dropped before its end and by nobody who asks: its panic would keep its neighbours from being dropped.
            let mut future = this.project().future;
            drop(contain(|| future.set(None)));
        }
    }
}

impl<F: Future> Contained<F> {
    pub(crate) fn new(future: F) -> Self {
        let future = Some(future);
        Self { future }
    }

    /// Drops the future before its end. `None`: it had ended already.
    pub(crate) fn discard(self: Pin<&mut Self>) -> Option<Result<(), TaskPanic>> {
        let mut future = self.project().future;
        future
            .is_some()
            .then(|| contain(|| future.as_mut().set(None)))
    }
}

impl<F: Future> Future for Contained<F> {
    type Output = Result<F::Output, TaskPanic>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.project().future;
        let Some(future) = slot.as_mut().as_pin_mut() else {
            // Nobody polls past the end: the future is gone, and so is its waker.
            return Poll::Pending;
        };
        let polled = match contain(|| future.poll(cx)) {
            Ok(polled) => Ok(ready!(polled)),
            Err(panic) => Err(panic),
        };
        let dropped = contain(|| slot.set(None));
        // The first panic is the cause; a second one, in the drop, follows from it.
        Poll::Ready(polled.and_then(|value| match dropped {
            Ok(()) => Ok(value),
            Err(panic) => {
                // A value that is thrown away here must not panic its way out either.
                drop_contained(value);
                Err(panic)
            }
        }))
    }
}
