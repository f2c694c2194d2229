//! Tests of tokio itself: no runtime, a runtime that shuts down, a paused clock.

mod runtime;
mod support;

use std::future::{pending, ready};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use effective_tokio_tasks::{
    Backoff, GaveUp, Retry, TaskError, TaskGroup, Tasks, as_completed, deadline, first_completed,
    gather, map, timeout,
};
use futures::executor::block_on;
use support::{Gauge, eventually, poll_times, turns};

fn panic_message<T>(work: impl FnOnce() -> T) -> String {
    let payload = catch_unwind(AssertUnwindSafe(work))
        .err()
        .expect("the work panics");
    *payload.downcast::<String>().expect("the message is text")
}

#[test]
fn panic_without_a_runtime_says_what_to_do() {
    let futures = || [ready(1)];
    let retry = || {
        Retry::new()
            .backoff(Backoff::constant(Duration::from_millis(1)))
            .run(async |_| Err::<(), _>(()))
    };
    for (name, message) in [
        ("map", panic_message(|| block_on(map([1], async |n| n)))),
        ("gather", panic_message(|| block_on(gather(futures())))),
        (
            "first_completed",
            panic_message(|| block_on(first_completed(futures()))),
        ),
        (
            "as_completed",
            panic_message(|| block_on(as_completed([1], async |n| n).next())),
        ),
        (
            "TaskGroup::spawn",
            panic_message(|| TaskGroup::<(), ()>::new().spawn(pending())),
        ),
        (
            "timeout",
            panic_message(|| block_on(timeout(Duration::ZERO, async {}))),
        ),
        (
            "deadline",
            panic_message(|| block_on(deadline(Instant::now(), async {}))),
        ),
        ("Retry::run", panic_message(|| block_on(retry()))),
    ] {
        assert!(
            message.contains(&format!("`effective_tokio_tasks::{name}`")),
            "{message}"
        );
        assert!(message.contains("block_on"), "{message}");
    }
}

#[test]
fn panic_without_a_timer_says_what_to_do() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let message = panic_message(|| runtime.block_on(timeout(Duration::ZERO, async {})));
    assert!(message.contains("enable_time"), "{message}");
}

#[test]
fn failures_are_in_the_order_of_their_occurrence() {
    // One thread, so that the order of the failures is known.
    runtime::current_thread().block_on(async {
        let mut group = TaskGroup::new();
        group.spawn(async {
            turns(1).await;
            Err::<(), _>("second")
        });
        group.spawn(async { Err("first") });
        turns(5).await;
        let error = group.join_all().await.unwrap_err();
        let order: Vec<usize> = error.failures().iter().map(|(index, _)| *index).collect();
        assert_eq!(order, [1, 0]);
    });
}

#[test]
fn future_without_budget_left_times_out() {
    runtime::current_thread().block_on(async {
        let busy = async {
            loop {
                tokio::task::coop::consume_budget().await;
            }
        };
        assert!(timeout(Duration::from_millis(2), busy).await.is_err());
    });
}

#[test]
fn spawning_many_tasks_yields_to_others() {
    // On one thread, the task of this test could starve them.
    runtime::current_thread().block_on(async {
        let first_ran = Arc::new(AtomicBool::new(false));
        let mut taken_by_then = 0;
        let inputs = (0..10_000).inspect(|_| {
            if !first_ran.load(Ordering::SeqCst) {
                taken_by_then += 1;
            }
        });
        map(inputs, |_| {
            let first_ran = first_ran.clone();
            async move { first_ran.store(true, Ordering::SeqCst) }
        })
        .await;
        assert!(taken_by_then < 1_000, "{taken_by_then} were spawned first");
    });
}

#[test]
fn limited_map_is_cancelled_when_the_runtime_shuts_down() {
    for runtime in [runtime::current_thread(), runtime::multi_thread()] {
        let made = AtomicUsize::new(0);
        let gauge = Gauge::default();
        let limit = NonZeroUsize::new(3).unwrap();
        let mut all = pin!(Tasks::new().limit(limit).map(0..1_000, |n| {
            made.fetch_add(1, Ordering::SeqCst);
            let live = gauge.enter();
            async move {
                pending::<()>().await;
                drop(live);
                n
            }
        }));
        {
            let _entered = runtime.enter();
            let mut cx = Context::from_waker(Waker::noop());
            assert!(matches!(all.as_mut().poll(&mut cx), Poll::Pending));
        }
        drop(runtime);
        let results = block_on(all);
        assert_eq!(results.len(), 1_000);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(TaskError::Cancelled)))
        );
        assert_eq!(made.load(Ordering::SeqCst), 3);
        assert_eq!(gauge.live(), 0);
    }
}

#[test]
fn map_is_cancelled_when_the_runtime_shuts_down() {
    for runtime in [runtime::current_thread(), runtime::multi_thread()] {
        let gauge = Gauge::default();
        let mut all = pin!(map(0..50, |n| {
            let live = gauge.enter();
            async move {
                if n != 0 {
                    pending::<()>().await;
                }
                drop(live);
            }
        }));
        runtime.block_on(async {
            assert!(poll_times(all.as_mut(), 3).await.is_none());
            eventually("the first has ended", || gauge.live() == 49).await;
        });
        drop(runtime);
        let results = block_on(all);
        assert!(results[0].is_ok());
        let cancelled =
            |result: &Result<(), TaskError>| matches!(result, Err(TaskError::Cancelled));
        assert_eq!(
            results.iter().filter(|&result| cancelled(result)).count(),
            49
        );
        assert_eq!(gauge.live(), 0);
    }
}

#[test]
fn task_spawned_after_shutdown_is_cancelled() {
    let runtime = runtime::current_thread();
    let handle = runtime.handle().clone();
    drop(runtime);
    let _entered = handle.enter();
    let results = block_on(map(0..5, async |n| n));
    assert_eq!(results.len(), 5);
    assert!(
        results
            .iter()
            .all(|result| matches!(result, Err(TaskError::Cancelled)))
    );
}

#[test]
fn group_is_cancelled_when_the_runtime_shuts_down() {
    let runtime = runtime::multi_thread();
    let mut group = TaskGroup::<(), String>::new();
    {
        let _entered = runtime.enter();
        group.spawn(pending());
    }
    drop(runtime);
    let error = block_on(group.join_all()).unwrap_err();
    assert!(matches!(error.failures(), [(0, TaskError::Cancelled)]));
}

#[test]
fn retry_and_deadline_follow_a_paused_clock() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let second = Duration::from_secs(1);
        for (attempt_takes, most) in [(Duration::ZERO, 11), (3 * second, 4)] {
            let began = tokio::time::Instant::now();
            let retry = Retry::new()
                .attempts(NonZeroUsize::new(1_000).unwrap())
                .backoff(Backoff::constant(second))
                .timeout(10 * second);
            let run = retry.run(|_| async {
                tokio::time::sleep(attempt_takes).await;
                Err::<(), _>("busy")
            });
            let error = run.await.unwrap_err();
            assert_eq!(error.gave_up(), GaveUp::TimedOut);
            assert!(error.attempts() <= most, "{}", error.attempts());
            assert!(began.elapsed() <= 11 * second);
        }
        let end = tokio::time::Instant::now().into_std() + 10 * second;
        let by_std = Instant::now() + 10 * second;
        tokio::time::advance(3_600 * second).await;
        let began = tokio::time::Instant::now();
        for end in [end, by_std] {
            assert!(deadline(end, pending::<()>()).await.is_err());
        }
        assert!(began.elapsed() < second);
    });
}

#[test]
fn map_ends_in_a_block_on_inside_a_task() {
    // There, tokio never renews the budget of the outer task.
    support::in_bounded_time(|| {
        runtime::multi_thread().block_on(async {
            for _ in 0..3 {
                assert_eq!(block_on(map(0..300, |n| async move { n })).len(), 300);
                assert_eq!(block_on(gather((0..300).map(ready))).len(), 300);
            }
            for _ in 0..300 {
                assert_eq!(block_on(map([1], |n| async move { n })).len(), 1);
            }
            let group = || {
                let mut group = TaskGroup::<_, ()>::new();
                (0..300).for_each(|n| group.spawn(ready(Ok(n))));
                group
            };
            assert_eq!(block_on(group().join_all()).unwrap().len(), 300);
            let answers = as_completed(0..300, |n| async move { n });
            let count = futures::StreamExt::count(answers);
            assert_eq!(block_on(count), 300);
        });
    });
}
