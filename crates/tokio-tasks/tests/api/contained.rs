//! What the user's code panics with, wherever it does, stays where it belongs.

use std::future::pending;
use std::num::NonZeroUsize;
use std::panic::panic_any;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use crate::support::{
    Gauge, Live, PanicsInDrop, PanicsOnWake, eventually, on_each_runtime, poll_times, turns,
};
use crate::tasks::{TaskGroup, Tasks, as_completed, gather, map, map_local};

/// A result that is counted, and panics when it is dropped.
struct Costly {
    _live: Live,
    _bomb: PanicsInDrop,
}

fn costly(live: Live) -> Costly {
    Costly {
        _live: live,
        _bomb: PanicsInDrop,
    }
}

#[test]
fn results_that_nobody_reads_may_panic_when_dropped() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let each = |n: usize| {
            let live = gauge.enter();
            async move {
                if n == 9 {
                    pending::<()>().await;
                }
                costly(live)
            }
        };
        {
            let all = pin!(map(0..10, each));
            assert!(poll_times(all, 20).await.is_none());
        }
        eventually("those of `map` are dropped", || gauge.live() == 0).await;
        {
            let all = pin!(map_local(0..10, each));
            assert!(poll_times(all, 20).await.is_none());
        }
        assert_eq!(gauge.live(), 0);
        {
            let mut answers = as_completed(0..10, each);
            let first = answers.next().await;
            std::mem::forget(first);
            turns(5).await;
        }
        // The first was forgotten.
        eventually("those of `as_completed` are dropped", || gauge.live() == 1).await;
    });
}

#[test]
fn results_of_a_group_that_is_dropped_may_panic_when_dropped() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let mut group = TaskGroup::<Costly, Costly>::new();
        for n in 0..10 {
            let live = gauge.enter();
            group.spawn(async move {
                match n % 3 {
                    0 => Ok(costly(live)),
                    1 => Err(costly(live)),
                    _ => pending().await,
                }
            });
        }
        turns(5).await;
        {
            let wait = pin!(group.join_all());
            if let Some(ended) = poll_times(wait, 1).await {
                std::mem::forget(ended);
                return;
            }
        }
        eventually("all are dropped", || gauge.live() == 0).await;
    });
}

#[test]
fn a_payload_that_panics_when_dropped_reaches_nobody() {
    on_each_runtime(async || {
        let results = gather((0..4).map(|_| async { panic_any(PanicsInDrop) })).await;
        let results: Vec<Result<(), _>> = results;
        assert!(results.iter().all(Result::is_err));
        drop(results);
        let mut answers = as_completed(0..4, |_| -> std::future::Ready<()> {
            panic_any(PanicsInDrop)
        });
        assert!(answers.next().await.is_some());
        drop(answers);
    });
}

#[test]
fn a_waker_that_panics_costs_no_result() {
    on_each_runtime(async || {
        for tasks in [Tasks::new(), Tasks::new().limit(NonZeroUsize::MAX)] {
            let (gauge, gate) = (Gauge::default(), Gauge::default());
            let closed = gate.enter();
            let mut all = Box::pin(tasks.map(0..20, |n| {
                let live = gauge.enter();
                let gate = gate.clone();
                async move {
                    eventually("the gate opens", || gate.live() == 0).await;
                    drop(live);
                    n
                }
            }));
            let waker = Waker::from(Arc::new(PanicsOnWake));
            let polled = all.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
            drop(closed);
            eventually("all tasks have ended", || gauge.live() == 0).await;
            let results = all.await;
            assert!(results.into_iter().map(Result::unwrap).eq(0..20));
        }
    });
}
