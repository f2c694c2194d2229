//! Without a runtime, and when the runtime goes away.

mod support;

use std::future::pending;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::executor::block_on;
use support::Gauge;
use tokio_tasks::{TaskError, TaskFailure, TaskGroup, Tasks, map, timeout};

fn panic_message(work: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(work)).expect_err("it panics");
    *payload.downcast::<String>().expect("the message is text")
}

#[test]
fn without_a_runtime_the_panic_says_what_to_do() {
    let of_map = panic_message(|| drop(block_on(map([1], async |n| n))));
    let of_group = panic_message(|| TaskGroup::<(), ()>::new().spawn(pending()));
    let of_timeout = panic_message(|| assert!(block_on(timeout(Duration::ZERO, async {})).is_ok()));
    for (name, message) in [
        ("tokio_tasks::map", of_map),
        ("TaskGroup::spawn", of_group),
        ("tokio_tasks::timeout", of_timeout),
    ] {
        assert!(message.contains(name), "{message}");
        assert!(message.contains("block_on"), "{message}");
    }
}

#[test]
fn tasks_of_a_runtime_that_was_shut_down_are_cancelled_and_no_more_are_started() {
    for runtime in [support::current_thread(), support::multi_thread()] {
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
fn a_task_that_is_spawned_on_a_runtime_already_shut_down_is_cancelled() {
    let runtime = support::current_thread();
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
fn a_group_whose_runtime_was_shut_down_fails_as_cancelled() {
    let runtime = support::multi_thread();
    let mut group = TaskGroup::<(), String>::new();
    {
        let _entered = runtime.enter();
        group.spawn(pending());
    }
    drop(runtime);
    let error = block_on(group.join_all()).unwrap_err();
    assert!(matches!(error.failures(), [(0, TaskFailure::Cancelled)]));
}
