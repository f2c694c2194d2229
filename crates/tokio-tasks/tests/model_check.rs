//! Model checks of the inbox, the one thing here that several threads share: on the real file, with loom's lock under it.
//!
//! `cargo xtask ci` runs them, with `--cfg model_check` and a target folder of their own.
#![cfg(model_check)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the files are the library's, and not all of them is checked"
)]

#[path = "../src/inbox.rs"]
mod inbox;
#[path = "../src/outcome.rs"]
mod outcome;
#[path = "../src/panic.rs"]
mod panic;

/// In place of `src/sync.rs`.
mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;
}

use std::future::poll_fn;
use std::task::{Context, Poll, Wake, Waker};

use loom::future::block_on;
use loom::model::Builder;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use inbox::{Ended, Inbox};
use outcome::TaskError;
use panic::TaskPanic;

/// All interleavings with at most so many preemptions.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// A value that is counted when it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn ended<R>(index: usize, value: R) -> Ended<R> {
    Ended {
        index,
        outcome: Ok(value),
        slot: index,
    }
}

/// Leaves a result from a thread of its own.
fn put<R: Send + 'static>(inbox: &Arc<Inbox<R>>, index: usize, value: R) -> thread::JoinHandle<()> {
    let inbox = Arc::clone(inbox);
    thread::spawn(move || inbox.put(ended(index, value)))
}

#[test]
fn an_owner_who_waits_gets_every_result_once() {
    check(3, || {
        let inbox = Arc::new(Inbox::new());
        let tasks = [put(&inbox, 0, ()), put(&inbox, 1, ())];
        let mut seen = Vec::new();
        // loom reports a deadlock if a wake-up is lost.
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
fn what_meets_a_closing_inbox_is_dropped_once() {
    check(3, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let inbox = Arc::new(Inbox::new());
        let tasks = [0, 1].map(|n| put(&inbox, n, Counted(Arc::clone(&dropped))));
        inbox.close();
        tasks.into_iter().for_each(|task| task.join().unwrap());
        assert_eq!(dropped.load(Ordering::SeqCst), 2);
    });
}

/// Counts its calls.
struct Calls(AtomicUsize);

impl Wake for Calls {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn an_owner_who_comes_with_another_waker_is_woken_by_that_one() {
    check(3, || {
        let inbox = Arc::new(Inbox::new());
        let calls = [(); 2].map(|()| std::sync::Arc::new(Calls(AtomicUsize::new(0))));
        let task = put(&inbox, 0, ());
        let mut batch = Vec::new();
        let mut polled = Poll::Pending;
        for calls in &calls {
            let waker = Waker::from(std::sync::Arc::clone(calls));
            polled = inbox.poll_take(&mut Context::from_waker(&waker), &mut batch);
            if polled.is_ready() {
                break;
            }
        }
        task.join().unwrap();
        if polled.is_pending() {
            assert_eq!(calls[1].0.load(Ordering::SeqCst), 1);
        }
    });
}
