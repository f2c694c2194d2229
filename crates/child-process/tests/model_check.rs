//! A model check of the inbox of the watcher thread, over all interleavings: no item is lost that
//! is pushed as the thread leaves.
//!
//! With a target directory of its own:
//!
//! ```text
//! RUSTFLAGS="--cfg model_check" \
//!     cargo test --release -p effective-child-process --test model_check
//! ```
#![cfg(model_check)]

use effective_child_process::model_check::{Inbox, Pushed};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
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
