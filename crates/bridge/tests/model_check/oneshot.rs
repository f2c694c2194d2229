//! The one-shot slot: `oneshot.rs`.

use std::task::Waker;

use effective_bridge::model::OneShot;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

use crate::{Bell, at_once, check};

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn thread_receives_the_value_whenever_it_waits() {
    check(3, || {
        let slot = Arc::new(OneShot::new());
        let sender = Arc::clone(&slot);
        at_once(
            move || sender.set(7),
            move || assert_eq!(slot.wait_until(None), Some(7)),
        );
    });
}

#[test]
fn coroutine_is_woken_by_the_value() {
    check(3, || {
        let slot = Arc::new(OneShot::new());
        let sender = Arc::clone(&slot);
        at_once(
            move || sender.set(7),
            move || {
                let bell = Bell::new();
                let waker = Waker::from(bell.clone());
                while slot.poll(&waker) != Some(7) {
                    bell.wait();
                }
            },
        );
    });
}

#[test]
fn last_waiter_is_the_one_that_is_woken() {
    check(3, || {
        let slot = Arc::new(OneShot::new());
        let sender = Arc::clone(&slot);
        at_once(
            move || sender.set(7),
            move || {
                let first = slot.poll(Waker::noop());
                let value = first.or_else(|| slot.wait_until(None));
                assert_eq!(value, Some(7));
            },
        );
    });
}

#[test]
fn abandoned_value_is_dropped_once() {
    check(3, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let slot = Arc::new(OneShot::new());
        let (sender, value) = (Arc::clone(&slot), Counted(Arc::clone(&dropped)));
        at_once(move || sender.set(value), move || slot.abandon());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    });
}
