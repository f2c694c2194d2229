//! Model checks of the protocols between futures and the watcher thread, over all interleavings: an
//! item is pushed as the watcher leaves; a result is put as the future polls, or as it is
//! abandoned.
//!
//! `RUSTFLAGS="--cfg model_check" cargo test --release -p effective-child-process --test model_check`,
//! in a target directory of its own.
#![cfg(model_check)]

use std::task::{Wake, Waker};

use effective_child_process::model_check::{Inbox, Poll, Pushed, Slot};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex, Notify};
use loom::thread;

/// A watcher that does not linger: it leaves as soon as it may.
fn watch(inbox: &Mutex<Inbox<usize>>, taken: &AtomicUsize) {
    loop {
        let items = inbox.lock().unwrap().take();
        for item in items {
            taken.fetch_add(item, Ordering::SeqCst);
        }
        if inbox.lock().unwrap().try_leave() {
            return;
        }
    }
}

fn push(inbox: &Arc<Mutex<Inbox<usize>>>, taken: &Arc<AtomicUsize>, item: usize) {
    let pushed = inbox.lock().unwrap().push(item);
    if pushed == Pushed::StartWatcher {
        let (inbox, taken) = (Arc::clone(inbox), Arc::clone(taken));
        thread::spawn(move || watch(&inbox, &taken)).join().unwrap();
    }
}

#[test]
fn item_pushed_as_the_watcher_leaves_is_taken() {
    loom::model(|| {
        let (inbox, taken) = (
            Arc::new(Mutex::new(Inbox::new())),
            Arc::new(AtomicUsize::new(0)),
        );
        let other = {
            let (inbox, taken) = (Arc::clone(&inbox), Arc::clone(&taken));
            thread::spawn(move || push(&inbox, &taken, 1))
        };
        push(&inbox, &taken, 10);
        other.join().unwrap();
        assert_eq!(taken.load(Ordering::SeqCst), 11);
        assert_eq!(
            inbox.lock().unwrap().push(0),
            Pushed::StartWatcher,
            "no watcher is left"
        );
    });
}

struct NotifyWaker(Notify);

impl Wake for NotifyWaker {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.notify();
    }
}

#[test]
fn result_put_during_poll_is_returned_or_wakes() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        let putter = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || slot.put(7))
        };
        let notify = std::sync::Arc::new(NotifyWaker(Notify::new()));
        let waker = Waker::from(std::sync::Arc::clone(&notify));
        let result = loop {
            match slot.poll(&waker) {
                Poll::Ready(result) => break result,
                // A lost wake-up is a deadlock, which loom reports.
                Poll::Pending => notify.0.wait(),
                Poll::Taken => unreachable!("it is taken once"),
            }
        };
        assert_eq!(result, 7);
        assert!(matches!(slot.poll(&waker), Poll::Taken));
        putter.join().unwrap();
    });
}

#[test]
fn result_put_during_abandon_is_dropped_once() {
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
        let polled = slot.poll(Waker::noop());
        slot.abandon();
        assert!(slot.is_abandoned());
        putter.join().unwrap();
        drop(polled);
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    });
}
