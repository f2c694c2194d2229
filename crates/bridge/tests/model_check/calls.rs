//! Cancelling a coroutine: `portal/core.rs`.

use std::task::Waker;

use loom::sync::Arc;

use crate::core::Core;
use crate::{Bell, CallError, at_once, check};

#[test]
fn a_coroutine_learns_that_it_is_cancelled_whenever_that_happens() {
    check(3, || {
        let core = Arc::new(Core::<()>::new());
        let theirs = Arc::clone(&core);
        // A coroutine that would wait for ever.
        let coroutine = move || {
            let bell = Bell::new();
            let waker = Waker::from(std::sync::Arc::clone(&bell));
            while !theirs.is_cancelled(&waker) {
                bell.wait();
            }
            theirs.forget_coroutine();
            theirs.outcome.put(Err(CallError::Cancelled));
        };
        at_once(coroutine, move || {
            core.cancel();
            let result = core.outcome.wait_until(None);
            assert!(matches!(result, Some(Err(CallError::Cancelled))));
        });
    });
}

#[test]
fn a_cancel_that_comes_with_the_end_harms_nobody() {
    check(3, || {
        let core = Arc::new(Core::new());
        let theirs = Arc::clone(&core);
        let coroutine = move || {
            let result = if theirs.is_cancelled(Waker::noop()) {
                Err(CallError::Cancelled)
            } else {
                Ok(7)
            };
            theirs.forget_coroutine();
            theirs.outcome.put(result);
        };
        at_once(coroutine, move || {
            core.cancel();
            core.outcome.abandon();
        });
    });
}
