//! The orders that matter between futures and the watching thread, all of them, with the very files that decide them:
//! something is given as the thread leaves; a result is put as it is asked for, or as nobody wants it any more.
//!
//! `RUSTFLAGS="--cfg model_check" cargo test --release -p child-process --test model_check`, in a target folder of its own.
#![cfg(model_check)]
#![allow(dead_code, reason = "the included files have more than is checked")]

#[path = "../src/reactor/inbox.rs"]
mod inbox;
#[path = "../src/reactor/slot.rs"]
mod slot;
mod sync {
    pub(super) use loom::sync::{Mutex, MutexGuard};
}

use std::task::{Wake, Waker};

use inbox::{Given, Inbox};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex, Notify};
use loom::thread;
use slot::{Slot, Taken};

/// A watcher without patience: it leaves as soon as it may.
fn watch(inbox: &Mutex<Inbox<usize>>, taken: &AtomicUsize) {
    loop {
        let given = inbox.lock().unwrap().take();
        for something in given {
            taken.fetch_add(something, Ordering::SeqCst);
        }
        if inbox.lock().unwrap().leave() {
            return;
        }
    }
}

fn give(inbox: &Arc<Mutex<Inbox<usize>>>, taken: &Arc<AtomicUsize>, something: usize) {
    let given = inbox.lock().unwrap().give(something);
    if given == Given::StartAWatcher {
        let (inbox, taken) = (Arc::clone(inbox), Arc::clone(taken));
        thread::spawn(move || watch(&inbox, &taken)).join().unwrap();
    }
}

#[test]
fn what_is_given_as_the_watcher_leaves_is_watched_all_the_same() {
    loom::model(|| {
        let (inbox, taken) = (
            Arc::new(Mutex::new(Inbox::new())),
            Arc::new(AtomicUsize::new(0)),
        );
        let other = {
            let (inbox, taken) = (Arc::clone(&inbox), Arc::clone(&taken));
            thread::spawn(move || give(&inbox, &taken, 1))
        };
        give(&inbox, &taken, 10);
        other.join().unwrap();
        assert_eq!(taken.load(Ordering::SeqCst), 11);
        assert_eq!(
            inbox.lock().unwrap().give(0),
            Given::StartAWatcher,
            "nobody is left"
        );
    });
}

struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.notify();
    }
}

#[test]
fn a_result_that_is_put_as_it_is_asked_for_is_taken_or_wakes() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        let putter = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || slot.put(7))
        };
        let bell = std::sync::Arc::new(Bell(Notify::new()));
        let waker = Waker::from(std::sync::Arc::clone(&bell));
        let result = loop {
            match slot.take(&waker) {
                Taken::Now(result) => break result,
                // Never to be woken is a deadlock, which loom reports.
                Taken::Later => bell.0.wait(),
                Taken::Before => unreachable!("it is taken once"),
            }
        };
        assert_eq!(result, 7);
        assert!(matches!(slot.take(&waker), Taken::Before));
        putter.join().unwrap();
    });
}

#[test]
fn a_result_that_is_put_as_it_is_abandoned_is_dropped_once() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    loom::model(|| {
        let (slot, drops) = (Arc::new(Slot::new()), Arc::new(AtomicUsize::new(0)));
        let putter = {
            let (slot, result) = (Arc::clone(&slot), Counted(Arc::clone(&drops)));
            thread::spawn(move || slot.put(result))
        };
        let asked = slot.take(Waker::noop());
        slot.abandon();
        assert!(slot.abandoned());
        putter.join().unwrap();
        drop(asked);
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    });
}
