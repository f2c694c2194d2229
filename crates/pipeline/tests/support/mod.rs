//! Helpers of the tests.
#![allow(dead_code, unused_imports, reason = "each test program uses a part")]

pub(crate) mod proc;
mod random;
mod waiting;

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

pub(crate) use random::Random;
pub(crate) use waiting::{eventually, soak_time, threads_named, within, within_deadline};

/// Longer than any step of a test.
pub(crate) const LONG: Duration = Duration::from_secs(180);

/// Counts the live items, and their peak.
#[derive(Default)]
pub(crate) struct Alive {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Alive {
    pub(crate) const fn new() -> Self {
        Self {
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }
    }

    pub(crate) fn item(&self, value: u64) -> Item<'_> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Item { value, alive: self }
    }

    pub(crate) fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

/// An item that is counted while it lives.
pub(crate) struct Item<'a> {
    pub(crate) value: u64,
    alive: &'a Alive,
}

impl Drop for Item<'_> {
    fn drop(&mut self) {
        self.alive.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A door that stays shut until it is opened for good.
#[derive(Default)]
pub(crate) struct Door {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Door {
    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    pub(crate) fn pass(&self) {
        let open = self.open.lock().unwrap();
        let (_open, waited) = self
            .opened
            .wait_timeout_while(open, LONG, |open| !*open)
            .unwrap();
        assert!(!waited.timed_out(), "the door stayed shut");
    }
}

/// A value whose destructor panics.
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("expected");
    }
}

/// Keeps expected panics out of the output.
pub(crate) fn quiet() {
    use std::sync::Once;
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let expected = info
                .payload()
                .downcast_ref::<&str>()
                .is_some_and(|text| text.starts_with("expected"));
            if !expected {
                report(info);
            }
        }));
    });
}
