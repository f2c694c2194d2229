//! Fault 39: waits that could never end, and runtimes that go away. `tokio.rs` and `async_std.rs`
//! have the tests that need these runtimes.

mod support;

use std::future::pending;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use effective_bridge::{CallError, Offload, Portal, WouldDeadlock};
use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::join_all;
use futures::stream;

use support::{
    Counter, assert_timed_out, drop_running_call, eventually, one_thread, portal, within_deadline,
};

fn deadlocks<T>(result: Result<T, CallError>, at: WouldDeadlock) {
    match result {
        Err(CallError::WouldDeadlock(place)) => assert_eq!(place, at),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it must not block"),
    }
}

#[test]
fn fault_39_wait_in_futures_executor_fails_at_once() {
    within_deadline(|| {
        let portal = portal();
        block_on(async {
            deadlocks(
                portal.call(pending::<()>).wait(),
                WouldDeadlock::FuturesExecutor,
            );
            let mut call = portal.call(|| async { 1 });
            deadlocks(
                call.wait_timeout(Duration::from_secs(60)),
                WouldDeadlock::FuturesExecutor,
            );
            // The refusal loses nothing.
            assert_eq!(call.await.unwrap(), 1);
        });
    });
}

#[test]
fn fault_39_wait_inside_a_call_fails_at_once() {
    within_deadline(|| {
        let portal = portal();
        let inner = portal.clone();
        let call = portal.call(move || async move { inner.call(pending::<()>).wait() });
        // The executor is one of `futures` as well, but the portal's own check comes first.
        deadlocks(call.wait().unwrap(), WouldDeadlock::InsideCall);
    });
}

#[test]
fn fault_39_wait_on_the_loops_own_thread_fails_at_once() {
    within_deadline(|| {
        let (portal, portal_loop) = Portal::local();
        let inner = portal.clone();
        let call = portal.call(move || {
            let own = inner.call(|| async { 1 });
            async move { own.wait() }
        });
        drop(portal);
        // Polled by hand, so that there is no executor of `futures` to recognise.
        let mut portal_loop = std::pin::pin!(portal_loop);
        support::poll_times(portal_loop.as_mut(), 1_000, Duration::from_secs(1)).unwrap();
        deadlocks(call.wait().unwrap(), WouldDeadlock::InsideCall);
    });
}

#[test]
fn fault_39_blocking_iterator_in_executor_fails_at_once() {
    within_deadline(|| {
        let portal = portal();
        let two = NonZeroUsize::new(2).unwrap();
        let mut items = portal.iter(two, stream::pending::<i32>);
        block_on(async {
            let item = items.next().expect("an error");
            deadlocks(item, WouldDeadlock::FuturesExecutor);
        });
        drop(items);
        let mut numbers = portal.iter(two, || stream::iter(0..10));
        let mut got = Vec::new();
        while got.len() < 10 {
            // Alternately inside and outside an executor.
            let refused = block_on(async { numbers.next() }).expect("an error");
            deadlocks(refused, WouldDeadlock::FuturesExecutor);
            got.push(numbers.next().unwrap().unwrap());
        }
        assert_eq!(got, (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn fault_39_callback_from_full_offload_gets_a_thread() {
    within_deadline(|| {
        let portal = portal();
        let offload = one_thread();
        // Thread, coroutine, thread, coroutine, … on an offload whose only thread is always taken.
        fn dive(portal: &Portal, offload: &Offload, depth: usize) -> Result<usize, CallError> {
            let (inner, offload) = (portal.clone(), offload.clone());
            let call = portal.call(move || async move {
                let offload_again = offload.clone();
                let job = offload.run(move || dive(&inner, &offload_again, depth + 1));
                job.await.expect("no panic")
            });
            match call.wait() {
                Ok(result) => result,
                Err(CallError::WouldDeadlock(place)) => {
                    assert_eq!(place, WouldDeadlock::OffloadExhausted);
                    Ok(depth)
                }
                Err(other) => Err(other),
            }
        }
        // One blocked thread may be replaced, a second may not.
        assert_eq!(dive(&portal, &offload, 0).unwrap(), 2);
        let wider = Offload::builder().max_threads(5).build().unwrap();
        assert_eq!(dive(&portal, &wider, 0).unwrap(), 6);
        // The offload still works.
        assert_eq!(block_on(offload.run(|| 1)).unwrap(), 1);
    });
}

#[test]
fn fault_39_all_workers_call_back_at_once() {
    within_deadline(|| {
        let portal = portal();
        let offload = Offload::builder().max_threads(3).build().unwrap();
        let calls = (0..100).map(|n| {
            let (portal, inner) = (portal.clone(), offload.clone());
            offload.run(move || {
                let call = portal.call(move || async move { inner.run(move || n).await });
                call.wait()
            })
        });
        for (n, result) in block_on(join_all(calls)).into_iter().enumerate() {
            assert_eq!(result.unwrap().unwrap().unwrap(), n);
        }
    });
}

#[test]
fn fault_39_wait_ends_when_runtime_is_dropped() {
    within_deadline(|| {
        let (send, receive) = mpsc::channel();
        let (started, has_started) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let (portal, portal_loop) = Portal::local();
            send.send(portal).unwrap();
            let mut portal_loop = Box::pin(portal_loop);
            let mut polls = 0;
            while stopped.try_recv().is_err() {
                support::poll_times(portal_loop.as_mut(), 1, Duration::from_millis(1));
                polls += 1;
                assert!(polls < 100_000);
            }
            drop(portal_loop);
        });
        let portal = receive.recv().unwrap();
        let call = portal.call(move || {
            started.send(()).unwrap();
            pending::<()>()
        });
        has_started.recv().unwrap();
        let waits = thread::spawn(move || call.wait());
        thread::sleep(Duration::from_millis(20));
        stop.send(()).unwrap();
        assert!(matches!(waits.join().unwrap(), Err(CallError::RuntimeGone)));
        thread.join().unwrap();
        let late = portal.call(|| async { 1 });
        assert!(late.is_done());
        assert!(matches!(late.wait(), Err(CallError::RuntimeGone)));
    });
}

#[test]
fn fault_39_executor_that_drops_its_futures_is_runtime_gone() {
    let portal = Portal::new(drop);
    let call = portal.call(|| async { 1 });
    assert!(matches!(call.wait(), Err(CallError::RuntimeGone)));
    let mut items = portal.iter(NonZeroUsize::MIN, || stream::iter(0..3));
    assert!(matches!(items.next(), Some(Err(CallError::RuntimeGone))));
    assert!(items.next().is_none());
}

#[test]
fn fault_39_wait_for_undriven_runtime_times_out() {
    within_deadline(|| {
        let (portal, _portal_loop) = Portal::local();
        let portal = portal.deadlock_timeout(Some(Duration::from_millis(20)));
        let error = portal.call(|| async { 1 }).wait().unwrap_err();
        assert_timed_out(&error, false);
        assert!(error.to_string().contains("never polled"), "{error}");
    });
}

#[test]
fn fault_39_plain_thread_has_deadline_for_start_only() {
    within_deadline(|| {
        let portal = portal().deadlock_timeout(Some(Duration::from_millis(100)));
        let (open, opened) = futures::channel::oneshot::channel::<()>();
        let call = portal.call(move || async move { opened.await.is_ok() });
        let opener = thread::spawn(move || {
            thread::sleep(Duration::from_millis(400));
            open.send(()).unwrap();
        });
        assert!(call.wait().unwrap());
        opener.join().unwrap();
    });
}

#[test]
fn fault_39_pool_thread_has_deadline_for_whole_wait() {
    within_deadline(|| {
        let portal = portal().deadlock_timeout(Some(Duration::from_millis(500)));
        // The name that the crate `blocking` gives its threads.
        let thread = thread::Builder::new().name("blocking-7".to_owned());
        let wait = thread.spawn(move || portal.call(pending::<()>).wait());
        let error = wait.unwrap().join().unwrap().unwrap_err();
        assert_timed_out(&error, true);
    });
}

#[test]
fn fault_39_dropped_call_cancels_its_coroutine() {
    within_deadline(|| {
        let portal = portal();
        drop_running_call(&portal);
        // A failed `wait` cancels it as well.
        let dropped = Counter::default();
        let held = dropped.on_drop();
        let call = portal.call(move || async move {
            let _held = held;
            pending::<()>().await;
        });
        block_on(async { assert!(call.wait().is_err()) });
        eventually(|| dropped.get() == 1);
    });
}

#[test]
fn fault_39_worker_awaiting_a_call_is_replaced() {
    within_deadline(|| {
        let portal = portal();
        let offload = one_thread();
        let inner = offload.clone();
        let value = block_on(offload.run(move || {
            let call = portal.call(move || async move { inner.run(|| 6).await.unwrap() + 1 });
            // Not `wait`: an executor inside the job.
            block_on(call)
        }));
        assert_eq!(value.unwrap().unwrap(), 7);
        assert_eq!(block_on(offload.run(|| 1)).unwrap(), 1);
    });
}

/// Waits for a call when it is dropped, as a pooled connection might.
struct WaitsInDrop(Portal, mpsc::Sender<Result<(), CallError>>);

impl Drop for WaitsInDrop {
    fn drop(&mut self) {
        let result = self
            .0
            .call(|| async {})
            .wait_timeout(Duration::from_secs(5));
        let _ = self.1.send(result);
    }
}

/// A portal to a hand-written executor that no check recognises.
fn plain_portal() -> Portal {
    use futures::stream::{FuturesUnordered, StreamExt as _};
    let (coroutines, mut inbox) = futures::channel::mpsc::unbounded();
    thread::spawn(move || {
        let mut running = FuturesUnordered::new();
        let mut is_open = true;
        let mut all = pin!(std::future::poll_fn(move |cx| {
            while is_open {
                match inbox.poll_next_unpin(cx) {
                    Poll::Ready(Some(coroutine)) => running.push(coroutine),
                    Poll::Ready(None) => is_open = false,
                    Poll::Pending => break,
                }
            }
            while let Poll::Ready(Some(())) = running.poll_next_unpin(cx) {}
            if is_open || !running.is_empty() {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        }));
        support::poll_times(all.as_mut(), usize::MAX, Duration::from_secs(60));
    });
    Portal::new(move |coroutine: futures::future::BoxFuture<'static, ()>| {
        let _ = coroutines.unbounded_send(coroutine);
    })
}

#[test]
fn fault_39_wait_in_a_coroutines_drop_fails_at_once() {
    within_deadline(|| {
        let portal = plain_portal();
        let (tell, told) = mpsc::channel();

        // A coroutine that is cancelled midway.
        let held = WaitsInDrop(portal.clone(), tell.clone());
        let mut call = portal.call(move || async move {
            let _held = held;
            pending::<()>().await;
        });
        assert!(call.wait_timeout(Duration::from_millis(20)).is_err());
        drop(call);
        deadlocks(told.recv().unwrap(), WouldDeadlock::InsideCall);

        // A value that is never taken.
        let value = WaitsInDrop(portal.clone(), tell.clone());
        let (open, opened) = oneshot::channel::<()>();
        let call = portal.call(move || async move {
            opened.await.unwrap();
            value
        });
        // Detached before the value is set: afterwards this thread would drop it, which may wait.
        call.detach();
        open.send(()).unwrap();
        deadlocks(told.recv().unwrap(), WouldDeadlock::InsideCall);

        // A coroutine that is cancelled before it starts.
        let (entered, is_in) = mpsc::channel();
        let (leave, may_leave) = mpsc::channel::<()>();
        let busy = portal.call(move || async move {
            entered.send(()).unwrap();
            may_leave.recv().unwrap();
        });
        is_in.recv().unwrap();
        let held = WaitsInDrop(portal.clone(), tell);
        drop(portal.call(move || async move { drop(held) }));
        leave.send(()).unwrap();
        busy.wait().unwrap();
        deadlocks(told.recv().unwrap(), WouldDeadlock::InsideCall);
    });
}
