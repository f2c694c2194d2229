//! `as_completed` and `first_completed`.

mod support;

use std::cell::Cell;
use std::convert::identity;
use std::future::{pending, ready};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};

use effective_coroutines::{NoFutures, TaskError, Tasks, as_completed, first_completed};
use futures::channel::oneshot;
use futures::future::FutureExt as _;
use futures::stream::{FusedStream as _, Stream, StreamExt as _};
use support::{Gauge, PanicsInDrop, Wakes, bounded, on_each_executor, turns};

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

#[test]
fn results_come_as_tasks_end() {
    on_each_executor(async || {
        let mut completed = as_completed([30, 1, 10], async |polls| {
            turns(polls).await;
            polls
        });
        let mut order = Vec::new();
        while let Some((index, result)) = completed.next().await {
            order.push((index, result.unwrap()));
        }
        assert_eq!(order, [(1, 1), (2, 10), (0, 30)]);
        assert!(completed.is_terminated());
        assert!(
            completed.next().await.is_none(),
            "the stream stays at its end"
        );
    });
}

#[test]
fn every_result_comes_once_within_the_limit() {
    on_each_executor(async || {
        let gauge = Gauge::default();
        let tasks = Tasks::new().limit(TWO);
        let completed = tasks.as_completed(0..500_usize, |n| gauge.task(n % 5, n));
        let mut indices: Vec<usize> = completed
            .map(|(index, result)| {
                assert_eq!(result.unwrap(), index);
                index
            })
            .collect()
            .await;
        indices.sort_unstable();
        assert!(indices.into_iter().eq(0..500));
        assert_eq!((gauge.peak(), gauge.live(), gauge.completed()), (2, 0, 500));
    });
}

#[test]
fn stream_is_lazy_and_has_an_exact_size_hint() {
    let taken = Cell::new(0);
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| oneshot::channel::<()>()).unzip();
    let inputs = receivers
        .into_iter()
        .inspect(|_| taken.set(taken.get() + 1));
    let mut completed = Tasks::new().limit(TWO).as_completed(inputs, identity);
    assert_eq!((taken.get(), completed.size_hint()), (0, (4, Some(4))));
    assert!(completed.next().now_or_never().is_none());
    assert_eq!((taken.get(), completed.size_hint()), (2, (4, Some(4))));
    assert!(!completed.is_terminated());
    for (left, sender) in (0..4).rev().zip(senders) {
        sender.send(()).unwrap();
        let (index, result) = completed.next().now_or_never().flatten().unwrap();
        assert_eq!((index, result.unwrap()), (3 - left, Ok(())));
        assert_eq!(completed.size_hint(), (left, Some(left)));
    }
    assert!(completed.next().now_or_never().unwrap().is_none());
}

#[test]
fn panic_is_the_result_of_its_task() {
    on_each_executor(async || {
        let mut completed = as_completed(0..10, async |n| assert_ne!(n, 4));
        let mut panics = Vec::new();
        while let Some((index, result)) = completed.next().await {
            if let Err(TaskError::Panicked(_)) = result {
                panics.push(index);
            }
        }
        assert_eq!(panics, [4]);
    });
}

#[test]
fn endless_ready_tasks_yield_to_the_executor() {
    bounded(|| {
        let mut completed = Tasks::new().limit(TWO).as_completed(0.., ready);
        let (wakes, waker) = Wakes::new();
        let mut cx = Context::from_waker(&waker);
        for round in 1..=3 {
            // This would loop forever without a pending poll.
            while Pin::new(&mut completed).poll_next(&mut cx).is_ready() {}
            assert_eq!(wakes.count(), round);
        }
    });
}

#[test]
fn dropped_stream_drops_its_tasks() {
    let gauge = Gauge::default();
    let mut inputs = 0..10;
    {
        let mut completed = Tasks::new().limit(TWO).as_completed(&mut inputs, |n| {
            let task = gauge.task(0, n);
            async move {
                if n > 0 {
                    pending::<()>().await;
                }
                task.await
            }
        });
        assert!(completed.next().now_or_never().flatten().is_some());
        assert!(completed.next().now_or_never().is_none());
        assert_eq!(gauge.live(), 2);
    }
    assert_eq!((gauge.made(), gauge.live(), gauge.completed()), (3, 0, 1));
    assert_eq!(inputs, 3..10, "the other inputs are still there");
}

#[test]
fn dropped_next_future_loses_no_result() {
    on_each_executor(async || {
        let mut completed = as_completed(0..100_usize, async |n| {
            turns(n % 7).await;
            n
        });
        let mut indices = Vec::new();
        while !completed.is_terminated() {
            match completed.next().now_or_never() {
                Some(Some((index, result))) => indices.push((index, result.unwrap())),
                Some(None) => break,
                None => turns(1).await,
            }
        }
        indices.sort_unstable();
        assert!(indices.into_iter().eq((0..100).map(|n| (n, n))));
    });
}

#[test]
fn first_completed_drops_the_others() {
    on_each_executor(async || {
        let gauge = Gauge::default();
        let futures = [9, 3, 1, 5].map(|polls| gauge.task(polls, polls));
        let (index, result) = first_completed(futures).await.unwrap();
        assert_eq!((index, result.unwrap()), (2, 1));
        assert_eq!((gauge.made(), gauge.live(), gauge.completed()), (4, 0, 1));
    });
}

#[test]
fn first_completed_of_no_futures_is_an_error() {
    on_each_executor(async || {
        let none = Vec::<std::future::Ready<()>>::new();
        assert!(matches!(first_completed(none).await, Err(NoFutures)));
    });
}

#[test]
fn first_completed_drops_losers_that_panic_in_drop() {
    on_each_executor(async || {
        let (drops, make) = PanicsInDrop::counted();
        let futures: Vec<futures::future::LocalBoxFuture<'_, ()>> = vec![
            Box::pin(make()),
            Box::pin(async {
                turns(1).await;
                panic!("out of luck");
            }),
            Box::pin(make()),
            Box::pin(pending()),
        ];
        let (index, result) = first_completed(futures).await.unwrap();
        let Err(TaskError::Panicked(panic)) = result else {
            panic!("the task panicked");
        };
        assert_eq!((index, panic.message()), (1, "out of luck"));
        assert_eq!(drops.get(), 2);
    });
}

#[test]
fn first_completed_takes_no_future_after_a_ready_one() {
    let mut futures = (0..5)
        .map(|n| {
            if n == 1 {
                Poll::Ready(n)
            } else {
                Poll::Pending
            }
        })
        .map(|poll| std::future::poll_fn(move |_| poll));
    let (index, result) = first_completed(&mut futures)
        .now_or_never()
        .unwrap()
        .unwrap();
    assert_eq!((index, result.unwrap()), (1, 1));
    assert_eq!(futures.len(), 3);
}
