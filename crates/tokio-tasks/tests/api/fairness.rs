//! Fairness: one poll does a bounded amount of work, then yields to the other tasks of its thread.

use std::cell::Cell;
use std::future::{Future, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use futures::stream::StreamExt;

use crate::support::{Woken, on_each_runtime};
use crate::tasks::{as_completed, first_completed, gather, map, map_local};

/// Polls once. The future must not have ended, and must have woken itself.
fn polled_once(future: impl Future) {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    assert!(pin!(future).poll(&mut cx).is_pending());
    assert!(woken.times() > 0, "nothing would poll it again");
}

#[test]
fn poll_takes_a_bounded_number_of_inputs() {
    on_each_runtime(async || {
        let taken = Cell::new(0);
        let inputs = || {
            taken.set(0);
            (0..100_000).inspect(|_| taken.set(taken.get() + 1))
        };
        let bounded = || assert!((1..1_000).contains(&taken.get()), "{}", taken.get());
        polled_once(map(inputs(), async |n| n));
        bounded();
        polled_once(map_local(inputs(), async |n| n));
        bounded();
        polled_once(gather(inputs().map(ready)));
        bounded();
        polled_once(first_completed(inputs().map(ready)));
        bounded();
        polled_once(as_completed(inputs(), async |n| n).collect::<Vec<_>>());
        bounded();
        // No input becomes a task.
        polled_once(map(inputs(), |_| -> std::future::Ready<()> {
            panic!("none")
        }));
        bounded();
        polled_once(
            as_completed(inputs(), |_| -> std::future::Ready<()> { panic!("none") }).count(),
        );
        bounded();
    });
}

#[test]
fn poll_of_map_local_ends_a_bounded_number_of_tasks() {
    on_each_runtime(async || {
        let ended = Cell::new(0);
        let mut all = pin!(map_local(0..10_000, async |_| ended.set(ended.get() + 1)));
        let mut most = 0;
        loop {
            let before = ended.get();
            let polled =
                std::future::poll_fn(|cx| std::task::Poll::Ready(all.as_mut().poll(cx).is_ready()));
            let done = polled.await;
            most = most.max(ended.get() - before);
            if done {
                break;
            }
        }
        assert!(most < 1_000, "{most} in one poll");
    });
}

#[test]
fn reader_in_a_loop_yields_to_others() {
    on_each_runtime(async || {
        let mut answers = as_completed(0..1_000, async |n| n);
        let mut in_a_row = 0;
        let mut most = 0;
        loop {
            let woken = Arc::new(Woken::default());
            let waker = Waker::from(Arc::clone(&woken));
            let polled = answers.poll_next_unpin(&mut Context::from_waker(&waker));
            match polled {
                std::task::Poll::Ready(Some(_)) => in_a_row += 1,
                std::task::Poll::Ready(None) => break,
                std::task::Poll::Pending => {
                    in_a_row = 0;
                    crate::runtime::yield_now().await;
                }
            }
            most = most.max(in_a_row);
        }
        assert!(most < 200, "{most} in a row");
    });
}
