//! `CatchUnwind`, a future whose panics are results.
//!
//! Several crates link this file.

use std::future::Future;
use std::mem::needs_drop;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::panic::{TaskPanic, catch, drop_quietly};

pin_project! {
    /// Polls a future and catches its panics.
    ///
    /// The future is dropped as soon as it has ended, so a panic of its destructor is an error of
    /// the same task.
    pub(crate) struct CatchUnwind<F> {
        // `None` once the future has ended.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for CatchUnwind<F> {
        fn drop(this: Pin<&mut Self>) {
            // A panic here would keep the tasks beside it from being dropped.
            drop(this.cancel());
        }
    }
}

#[allow(
    dead_code,
    reason = "a crate that links this file may need a part of it"
)]
impl<F> CatchUnwind<F> {
    pub(crate) fn new(future: F) -> Self {
        let future = Some(future);
        Self { future }
    }

    /// A place for a future, still empty.
    pub(crate) fn empty() -> Self {
        Self { future: None }
    }

    /// Puts a future into an empty place.
    pub(crate) fn fill(self: Pin<&mut Self>, future: F) {
        self.project().future.set(Some(future));
    }

    /// Whether the future has ended or was cancelled.
    pub(crate) fn is_empty(&self) -> bool {
        self.future.is_none()
    }

    /// Drops the future, if it has not ended.
    ///
    /// # Errors
    /// The panic of its destructor.
    pub(crate) fn cancel(self: Pin<&mut Self>) -> Result<(), TaskPanic> {
        let mut future = self.project().future;
        if needs_drop::<F>() {
            catch(|| future.set(None))
        } else {
            future.set(None);
            Ok(())
        }
    }
}

impl<F: Future> Future for CatchUnwind<F> {
    type Output = Result<F::Output, TaskPanic>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = self.as_mut().project().future.as_pin_mut() else {
            // A wake that came after the end.
            return Poll::Pending;
        };
        let polled = match catch(|| future.poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => Ok(value),
            Err(panic) => Err(panic),
        };
        let dropped = self.cancel();
        Poll::Ready(match (polled, dropped) {
            (Ok(value), Err(panic)) => {
                drop_quietly(value);
                Err(panic)
            }
            // The first panic is the cause; a second one, of the destructor, follows from it.
            (polled, _) => polled,
        })
    }
}
