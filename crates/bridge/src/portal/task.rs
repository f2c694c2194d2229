//! The loop's side of a call: a future that drives the coroutine and brings its outcome, come what may.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use super::context::Inside;
use super::core::Core;
use crate::CallError;
use crate::offload::{Origin, origin};
use crate::panic::{contain, drop_contained};

/// Brings the outcome when it is dropped: that the runtime is gone, unless something better is known.
pub(super) struct End<R> {
    core: Arc<Core<R>>,
    /// What the portal was called from.
    origin: Option<Origin>,
    result: Option<Result<R, CallError>>,
}

impl<R> End<R> {
    pub(super) fn new(core: Arc<Core<R>>) -> Self {
        Self {
            core,
            origin: origin(),
            result: None,
        }
    }
}

impl<R> Drop for End<R> {
    fn drop(&mut self) {
        // A value that nobody wants is dropped here.
        let _inside = Inside::enter(&self.origin);
        self.core.forget_coroutine();
        let result = self.result.take().unwrap_or(Err(CallError::RuntimeGone));
        self.core.outcome.put(result);
    }
}

/// The coroutine in its place. However that is dropped, the panic of the coroutine's own `Drop` stays here.
struct Slot<'a, Fut> {
    coroutine: Pin<&'a mut Option<Fut>>,
    origin: &'a Option<Origin>,
}

impl<Fut> Drop for Slot<'_, Fut> {
    fn drop(&mut self) {
        // What blocks in the coroutine's `Drop` blocks its runtime as well.
        let _inside = Inside::enter(self.origin);
        drop_contained(contain(|| self.coroutine.set(None)));
    }
}

/// Makes the coroutine and drives it. Never unwinds.
pub(super) async fn drive<F, Fut, R>(mut end: End<R>, make: F)
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = R>,
{
    let result = run(&end.core, &end.origin, make).await;
    end.result = Some(result);
}

async fn run<F, Fut, R>(core: &Core<R>, origin: &Option<Origin>, make: F) -> Result<R, CallError>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = R>,
{
    // Before the function is called: a call that was cancelled meanwhile never runs.
    if poll_fn(|cx| Poll::Ready(core.is_cancelled(cx.waker()))).await {
        let _inside = Inside::enter(origin);
        drop_contained(make);
        return Err(CallError::Cancelled);
    }
    let coroutine = {
        let _inside = Inside::enter(origin);
        contain(make).map_err(CallError::Panicked)?
    };
    let mut slot = Slot {
        coroutine: pin!(Some(coroutine)),
        origin,
    };
    let mut is_first = true;
    poll_fn(|cx| {
        // The first poll follows at once.
        if !std::mem::take(&mut is_first) && core.is_cancelled(cx.waker()) {
            return Poll::Ready(Err(CallError::Cancelled));
        }
        let Some(coroutine) = slot.coroutine.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let _inside = Inside::enter(origin);
        match contain(|| coroutine.poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(CallError::Panicked(panic))),
        }
    })
    .await
}
