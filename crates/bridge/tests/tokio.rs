//! Offloads and portals on tokio, with current-thread and multi-thread runtimes.

mod support;

use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use effective_bridge::{CallError, Offload, Portal, WouldDeadlock};
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{block_in_place, spawn_blocking};

use support::{assert_timed_out, drop_running_call, eventually, one_thread, within_deadline};

fn multi() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap()
}

fn current() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn deadlocks<T>(result: Result<T, CallError>) {
    match result {
        Err(CallError::WouldDeadlock(WouldDeadlock::TokioContext)) => {}
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it must not block"),
    }
}

#[test]
fn jobs_run_from_both_kinds_of_runtime() {
    within_deadline(|| {
        let offload = Offload::builder().max_threads(3).build().unwrap();
        for runtime in [multi(), current()] {
            let calls = (0..500).map(|n| {
                let offload = offload.clone();
                runtime.spawn(async move { offload.run(move || n * 2).await })
            });
            let calls: Vec<_> = calls.collect();
            let values = runtime.block_on(join_all(calls));
            for (n, value) in values.into_iter().enumerate() {
                assert_eq!(value.unwrap().unwrap(), n * 2);
            }
            let slow = offload.run_timeout(
                || thread::sleep(Duration::from_millis(100)),
                Duration::from_millis(2),
            );
            // The runtime's timer is not enabled.
            assert!(runtime.block_on(slow).is_err());
            let items = offload.stream(NonZeroUsize::new(4).unwrap(), 0..100);
            assert_eq!(runtime.block_on(items.count()), 100);
        }
    });
}

#[test]
fn portal_calls_both_kinds_of_runtime() {
    within_deadline(|| {
        let runtime = multi();
        let portal = Portal::tokio(runtime.handle());
        // The coroutine runs inside the runtime's context.
        let call = portal.call(|| async { tokio::spawn(async { 1 }).await.unwrap() });
        assert_eq!(call.wait().unwrap(), 1);
        let calls: Vec<_> = (0..500)
            .map(|n| portal.call(move || async move { n }))
            .collect();
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(call.wait().unwrap(), n);
        }
        let (stop, stopped) = futures::channel::oneshot::channel::<()>();
        let (send, receive) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = current();
            let (own, portal_loop) = Portal::local();
            send.send((Portal::tokio(runtime.handle()), own)).unwrap();
            runtime.block_on(async {
                tokio::task::LocalSet::new().run_until(portal_loop).await;
                let _ = stopped.await;
            });
        });
        let (portal, own) = receive.recv().unwrap();
        for n in 0..200 {
            assert_eq!(portal.call(move || async move { n }).wait().unwrap(), n);
            let local = own.call(move || async move {
                let rc = std::rc::Rc::new(n);
                tokio::task::yield_now().await;
                tokio::task::spawn_local(async move { *rc }).await.unwrap()
            });
            assert_eq!(local.wait().unwrap(), n);
        }
        drop(own);
        stop.send(()).unwrap();
        thread.join().unwrap();
    });
}

#[test]
fn fault_39_wait_on_tokio_worker_fails_at_once() {
    within_deadline(|| {
        let runtime = multi();
        let portal = Portal::tokio(runtime.handle());
        runtime.block_on(async {
            let inner = portal.clone();
            let wait = tokio::spawn(async move { inner.call(pending::<()>).wait() });
            deadlocks(wait.await.unwrap());
            deadlocks(portal.call(pending::<()>).wait());
            let mut items = portal.iter(NonZeroUsize::MIN, stream::pending::<()>);
            deadlocks(items.next().unwrap());
        });
    });
}

#[test]
fn fault_39_wait_on_current_thread_runtime_fails_at_once() {
    within_deadline(|| {
        let runtime = current();
        let portal = Portal::tokio(runtime.handle());
        runtime.block_on(async {
            deadlocks(portal.call(|| async { 1 }).wait());
            let mut call = portal.call(|| async { 1 });
            deadlocks(call.wait_timeout(Duration::MAX));
            // The refusal loses nothing.
            assert_eq!(call.await.unwrap(), 1);
        });
    });
}

#[test]
fn fault_39_wait_on_tokio_blocking_thread_needs_permission() {
    within_deadline(|| {
        let runtime = multi();
        let portal = Portal::tokio(runtime.handle());
        let refused = portal.clone();
        let wait = runtime.spawn_blocking(move || refused.call(|| async { 1 }).wait());
        deadlocks(runtime.block_on(wait).unwrap());
        let allowed = portal.clone().allow_in_blocking_thread();
        let wait = runtime.spawn_blocking({
            let allowed = allowed.clone();
            move || allowed.call(|| async { 2 }).wait()
        });
        assert_eq!(runtime.block_on(wait).unwrap().unwrap(), 2);
        let wait =
            runtime.spawn(async move { block_in_place(|| allowed.call(|| async { 3 }).wait()) });
        assert_eq!(runtime.block_on(wait).unwrap().unwrap(), 3);
    });
}

#[test]
fn fault_39_wait_in_saturated_blocking_pool_times_out() {
    within_deadline(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let portal = Portal::tokio(runtime.handle())
            .allow_in_blocking_thread()
            .deadlock_timeout(Some(Duration::from_millis(500)));
        // The coroutine needs the very thread that waits for it, which stable tokio does not
        // reveal.
        let wait = runtime.spawn_blocking(move || {
            let call = portal.call(|| async { spawn_blocking(|| 1).await });
            call.wait().map(Result::unwrap)
        });
        let error = runtime.block_on(wait).unwrap().unwrap_err();
        assert_timed_out(&error, true);
    });
}

#[test]
fn fault_39_job_may_wait_for_the_runtime_that_awaits_it() {
    within_deadline(|| {
        for runtime in [multi(), current()] {
            let portal = Portal::tokio(runtime.handle());
            let offload = one_thread();
            let inner = offload.clone();
            let value = runtime.block_on(offload.run(move || {
                let call = portal.call(move || async move { inner.run(|| 6).await.unwrap() + 1 });
                call.wait()
            }));
            assert_eq!(value.unwrap().unwrap(), 7);
        }
    });
}

#[test]
fn fault_39_wait_ends_when_tokio_runtime_is_dropped() {
    within_deadline(|| {
        let runtime = multi();
        let portal = Portal::tokio(runtime.handle());
        let (started, has_started) = mpsc::channel();
        let call = portal.call(move || async move {
            started.send(()).unwrap();
            pending::<()>().await;
        });
        has_started.recv().unwrap();
        let wait = thread::spawn(move || call.wait());
        thread::sleep(Duration::from_millis(20));
        runtime.shutdown_background();
        assert!(matches!(wait.join().unwrap(), Err(CallError::RuntimeGone)));
        let late = portal.call(|| async { 1 }).wait();
        assert!(matches!(late, Err(CallError::RuntimeGone)));
    });
}

#[test]
fn fault_39_wait_for_undriven_tokio_runtime_times_out() {
    within_deadline(|| {
        let runtime = current();
        let portal =
            Portal::tokio(runtime.handle()).deadlock_timeout(Some(Duration::from_millis(20)));
        let error = portal.call(|| async { 1 }).wait().unwrap_err();
        assert_timed_out(&error, false);
    });
}

#[test]
fn fault_39_dropped_call_cancels_its_tokio_task() {
    within_deadline(|| {
        let runtime = multi();
        drop_running_call(&Portal::tokio(runtime.handle()));
        eventually(|| runtime.metrics().num_alive_tasks() == 0);
    });
}

#[test]
fn blocking_adapters_work_over_tokio() {
    use std::io::{Read, Write};
    within_deadline(|| {
        let runtime = multi();
        let portal = Portal::tokio(runtime.handle());
        let (send, receive) = futures::channel::mpsc::unbounded::<std::io::Result<Vec<u8>>>();
        let feeder = runtime.spawn(async move {
            for _ in 0..100 {
                tokio::task::yield_now().await;
                send.unbounded_send(Ok(vec![b'x'; 100])).unwrap();
            }
        });
        let mut text = String::new();
        let receive = futures::TryStreamExt::into_async_read(receive);
        portal
            .blocking_reader(receive)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text.len(), 10_000);
        runtime.block_on(feeder).unwrap();
        let mut writer = portal.blocking_writer(futures::io::sink());
        writer.write_all(text.as_bytes()).unwrap();
        writer.close().unwrap();
    });
}
