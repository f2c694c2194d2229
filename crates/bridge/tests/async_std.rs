//! Offloads and portals on async-std.

mod support;

use std::future::pending;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use async_std::task;
use effective_bridge::{CallError, Offload, Portal, WouldDeadlock};
use futures::future::join_all;
use futures::stream::{self, StreamExt};

use support::{assert_timed_out, drop_running_call, one_thread, within_deadline};

fn deadlocks<T>(result: Result<T, CallError>) {
    match result {
        Err(CallError::WouldDeadlock(WouldDeadlock::AsyncStdTask | WouldDeadlock::InsideCall)) => {}
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it must not block"),
    }
}

#[test]
fn jobs_run_from_async_std() {
    within_deadline(|| {
        let offload = Offload::builder().max_threads(3).build().unwrap();
        let calls = (0..500).map(|n| {
            let offload = offload.clone();
            task::spawn(async move { offload.run(move || n * 2).await })
        });
        let values = task::block_on(join_all(calls));
        for (n, value) in values.into_iter().enumerate() {
            assert_eq!(value.unwrap(), n * 2);
        }
        let items = offload.stream(NonZeroUsize::new(4).unwrap(), 0..100);
        assert_eq!(task::block_on(items.count()), 100);
    });
}

#[test]
fn portal_calls_async_std() {
    within_deadline(|| {
        let portal = Portal::async_std();
        let calls: Vec<_> = (0..500)
            .map(|n| {
                portal.call(move || async move {
                    task::yield_now().await;
                    n
                })
            })
            .collect();
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(call.wait().unwrap(), n);
        }
        let (own, portal_loop) = Portal::local();
        let thread = thread::spawn(move || own.call(|| async { 1 }).wait());
        task::block_on(portal_loop);
        assert_eq!(thread.join().unwrap().unwrap(), 1);
    });
}

#[test]
fn fault_39_wait_on_async_std_task_fails_at_once() {
    within_deadline(|| {
        let portal = Portal::async_std();
        task::block_on(async {
            deadlocks(portal.call(pending::<()>).wait());
            let inner = portal.clone();
            deadlocks(task::spawn(async move { inner.call(pending::<()>).wait() }).await);
            let mut items = portal.iter(NonZeroUsize::MIN, stream::pending::<()>);
            deadlocks(items.next().unwrap());
        });
        let inner = portal.clone();
        let nested = portal.call(move || async move { inner.call(pending::<()>).wait() });
        deadlocks(nested.wait().unwrap());
    });
}

#[test]
fn fault_39_wait_on_async_std_blocking_thread_times_out() {
    within_deadline(|| {
        let portal = Portal::async_std().deadlock_timeout(Some(Duration::from_millis(500)));
        let works = portal.clone();
        let wait = task::spawn_blocking(move || works.call(|| async { 1 }).wait());
        assert_eq!(task::block_on(wait).unwrap(), 1);
        let wait = task::spawn_blocking(move || portal.call(pending::<()>).wait());
        let error = task::block_on(wait).unwrap_err();
        assert_timed_out(&error, true);
    });
}

#[test]
fn fault_39_job_may_wait_for_async_std_that_awaits_it() {
    within_deadline(|| {
        let portal = Portal::async_std();
        let offload = one_thread();
        let inner = offload.clone();
        let value = task::block_on(offload.run(move || {
            let call = portal.call(move || async move { inner.run(|| 6).await.unwrap() + 1 });
            call.wait()
        }));
        assert_eq!(value.unwrap().unwrap(), 7);
    });
}

#[test]
fn fault_39_dropped_call_cancels_its_async_std_task() {
    within_deadline(|| {
        drop_running_call(&Portal::async_std());
    });
}
