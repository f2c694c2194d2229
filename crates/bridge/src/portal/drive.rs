//! The runtime's side of a call: a future that drives the coroutine and always sets a result.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use super::call_state::CallState;
use super::context::InsideCall;
use super::error::CallError;
use crate::offload::nesting::{self, Origin};
use crate::panic::{catch, drop_quietly};

/// Sets the result when it is dropped: `RuntimeGone`, unless the coroutine has ended.
pub(super) struct Completion<R> {
    state: Arc<CallState<R>>,
    /// The jobs that the portal was called from.
    origin: Option<Origin>,
    result: Option<Result<R, CallError>>,
}

impl<R> Completion<R> {
    pub(super) fn new(state: Arc<CallState<R>>) -> Self {
        Self {
            state,
            origin: nesting::origin(),
            result: None,
        }
    }
}

impl<R> Drop for Completion<R> {
    fn drop(&mut self) {
        // An abandoned value is dropped in `set`, and must not block there.
        let _inside = InsideCall::enter(&self.origin);
        self.state.forget_coroutine();
        let result = self.result.take().unwrap_or(Err(CallError::RuntimeGone));
        self.state.result.set(result);
    }
}

/// The pinned coroutine. Dropping this contains a panic of the coroutine's `Drop`.
struct CoroutineSlot<'a, Fut> {
    coroutine: Pin<&'a mut Option<Fut>>,
    origin: &'a Option<Origin>,
}

impl<Fut> Drop for CoroutineSlot<'_, Fut> {
    fn drop(&mut self) {
        // Blocking in the coroutine's `Drop` would block its runtime as well.
        let _inside = InsideCall::enter(self.origin);
        drop(catch(|| self.coroutine.set(None)));
    }
}

/// Makes the coroutine and drives it. Never unwinds.
pub(super) async fn drive<F, Fut, R>(mut completion: Completion<R>, make: F)
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = R>,
{
    let result = run(&completion.state, &completion.origin, make).await;
    completion.result = Some(result);
}

async fn run<F, Fut, R>(
    state: &CallState<R>,
    origin: &Option<Origin>,
    make: F,
) -> Result<R, CallError>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = R>,
{
    // Before `make` is called: a call that was cancelled in the meantime never runs.
    if poll_fn(|cx| Poll::Ready(state.is_cancelled(cx.waker()))).await {
        let _inside = InsideCall::enter(origin);
        drop_quietly(make);
        return Err(CallError::Cancelled);
    }
    let coroutine = {
        let _inside = InsideCall::enter(origin);
        catch(make).map_err(CallError::Panicked)?
    };
    let mut slot = CoroutineSlot {
        coroutine: pin!(Some(coroutine)),
        origin,
    };
    let mut is_first = true;
    poll_fn(|cx| {
        // The first poll follows the check above without a pause.
        if !std::mem::take(&mut is_first) && state.is_cancelled(cx.waker()) {
            return Poll::Ready(Err(CallError::Cancelled));
        }
        let Some(coroutine) = slot.coroutine.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let _inside = InsideCall::enter(origin);
        match catch(|| coroutine.poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(CallError::Panicked(panic))),
        }
    })
    .await
}
