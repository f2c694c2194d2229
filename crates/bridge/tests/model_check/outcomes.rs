//! One value on its way: `outcome.rs`.

use std::task::Waker;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

use crate::outcome::Outcome;
use crate::{Bell, at_once, check};

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_thread_gets_the_value_however_late_or_early_it_waits() {
    check(3, || {
        let outcome = Arc::new(Outcome::new());
        let brings = Arc::clone(&outcome);
        at_once(
            move || brings.put(7),
            move || assert_eq!(outcome.wait_until(None), Some(7)),
        );
    });
}

#[test]
fn a_coroutine_is_woken_when_the_value_comes() {
    check(3, || {
        let outcome = Arc::new(Outcome::new());
        let brings = Arc::clone(&outcome);
        at_once(
            move || brings.put(7),
            move || {
                let bell = Bell::new();
                let waker = Waker::from(bell.clone());
                while outcome.poll(&waker) != Some(7) {
                    bell.wait();
                }
            },
        );
    });
}

#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    check(3, || {
        let outcome = Arc::new(Outcome::new());
        let brings = Arc::clone(&outcome);
        at_once(
            move || brings.put(7),
            move || {
                let first = outcome.poll(Waker::noop());
                let value = first.or_else(|| outcome.wait_until(None));
                assert_eq!(value, Some(7));
            },
        );
    });
}

#[test]
fn a_value_that_nobody_wants_is_dropped_once() {
    check(3, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let outcome = Arc::new(Outcome::new());
        let (brings, value) = (Arc::clone(&outcome), Counted(Arc::clone(&dropped)));
        at_once(move || brings.put(value), move || outcome.abandon());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    });
}
