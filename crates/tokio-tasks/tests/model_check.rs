//! Model checks of the inbox, the one structure that several threads share, under loom.
//!
//! `cargo xtask ci` runs them, with `--cfg model_check` and a target folder of their own.
#![cfg(model_check)]

mod runtime;

use std::future::poll_fn;
use std::task::{Context, Poll, Wake, Waker};

use loom::future::block_on;
use loom::model::Builder;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use runtime::tasks::model::{Ended, Inbox};

/// Checks all interleavings with at most `preemptions` preemptions.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// A value that counts its drop.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn ended<R>(index: usize, value: R) -> Ended<R> {
    Ended {
        index,
        result: Ok(value),
        slot: index,
    }
}

/// Leaves a result from another thread.
fn put<R: Send + 'static>(inbox: &Arc<Inbox<R>>, index: usize, value: R) -> thread::JoinHandle<()> {
    let inbox = Arc::clone(inbox);
    thread::spawn(move || inbox.put(ended(index, value)))
}

#[test]
fn waiting_owner_gets_every_result_once() {
    check(3, || {
        let inbox = Arc::new(Inbox::new());
        let tasks = [put(&inbox, 0, ()), put(&inbox, 1, ())];
        let mut seen = Vec::new();
        // Loom reports a deadlock if a wake is lost.
        block_on(poll_fn(|cx| {
            while seen.len() < 2 {
                let mut batch = Vec::new();
                if inbox.poll_take(cx, &mut batch).is_pending() {
                    return Poll::Pending;
                }
                assert!(!batch.is_empty());
                seen.extend(batch.into_iter().map(|ended| ended.index));
            }
            Poll::Ready(())
        }));
        seen.sort_unstable();
        assert_eq!(seen, [0, 1]);
        tasks.into_iter().for_each(|task| task.join().unwrap());
    });
}

#[test]
fn result_that_meets_a_closing_inbox_is_dropped_once() {
    check(3, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let inbox = Arc::new(Inbox::new());
        let tasks = [0, 1].map(|n| put(&inbox, n, Counted(Arc::clone(&dropped))));
        inbox.close();
        tasks.into_iter().for_each(|task| task.join().unwrap());
        assert_eq!(dropped.load(Ordering::SeqCst), 2);
    });
}

/// A waker that counts its wakes.
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn last_waker_of_the_owner_is_woken() {
    check(3, || {
        let inbox = Arc::new(Inbox::new());
        let wakes = [(); 2].map(|()| std::sync::Arc::new(Wakes(AtomicUsize::new(0))));
        let task = put(&inbox, 0, ());
        let mut batch = Vec::new();
        let mut polled = Poll::Pending;
        for wakes in &wakes {
            let waker = Waker::from(std::sync::Arc::clone(wakes));
            polled = inbox.poll_take(&mut Context::from_waker(&waker), &mut batch);
            if polled.is_ready() {
                break;
            }
        }
        task.join().unwrap();
        if polled.is_pending() {
            assert_eq!(wakes[1].0.load(Ordering::SeqCst), 1);
        }
    });
}
