//! The cancellation of a coroutine: `portal/call_state.rs`.

use std::task::Waker;

use effective_bridge::CallError;
use effective_bridge::model::CallState;
use loom::sync::Arc;

use crate::{Bell, at_once, check};

#[test]
fn coroutine_sees_cancellation_at_any_moment() {
    check(3, || {
        let state = Arc::new(CallState::<()>::new());
        let theirs = Arc::clone(&state);
        // A coroutine that never ends by itself.
        let coroutine = move || {
            let bell = Bell::new();
            let waker = Waker::from(std::sync::Arc::clone(&bell));
            while !theirs.is_cancelled(&waker) {
                bell.wait();
            }
            theirs.forget_coroutine();
            theirs.result.set(Err(CallError::Cancelled));
        };
        at_once(coroutine, move || {
            state.cancel();
            let result = state.result.wait_until(None);
            assert!(matches!(result, Some(Err(CallError::Cancelled))));
        });
    });
}

#[test]
fn cancellation_may_race_with_the_end() {
    check(3, || {
        let state = Arc::new(CallState::new());
        let theirs = Arc::clone(&state);
        let coroutine = move || {
            let result = if theirs.is_cancelled(Waker::noop()) {
                Err(CallError::Cancelled)
            } else {
                Ok(7)
            };
            theirs.forget_coroutine();
            theirs.result.set(result);
        };
        at_once(coroutine, move || {
            state.cancel();
            state.result.abandon();
        });
    });
}
