//! Fault 39: waits that could never end, and runtimes that go away.
//!
//! What needs tokio or async-std is in the files of these names.

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

use support::{Counter, eventually, portal, within_deadline};

fn deadlocks<T>(result: Result<T, CallError>, at: WouldDeadlock) {
    match result {
        Err(CallError::WouldDeadlock(place)) => assert_eq!(place, at),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it must not block"),
    }
}

#[test]
fn fault_39_a_wait_inside_a_futures_executor_is_an_error_at_once() {
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
            // Nothing is lost by it.
            assert_eq!(call.await.unwrap(), 1);
        });
    });
}

#[test]
fn fault_39_a_wait_inside_a_coroutine_that_a_portal_called_is_an_error_at_once() {
    within_deadline(|| {
        let portal = portal();
        let inner = portal.clone();
        let call = portal.call(move || async move { inner.call(pending::<()>).wait() });
        // Its executor is one of `futures` too, but the portal's own knowledge comes first.
        deadlocks(call.wait().unwrap(), WouldDeadlock::InsideCall);
    });
}

#[test]
fn fault_39_a_wait_on_the_loop_s_own_thread_is_an_error_at_once() {
    within_deadline(|| {
        let (portal, portal_loop) = Portal::local();
        let inner = portal.clone();
        let call = portal.call(move || {
            let own = inner.call(|| async { 1 });
            async move { own.wait() }
        });
        drop(portal);
        // By hand, so that no executor of `futures` is there to be recognised.
        let mut portal_loop = std::pin::pin!(portal_loop);
        support::poll_times(portal_loop.as_mut(), 1_000, Duration::from_secs(1)).unwrap();
        deadlocks(call.wait().unwrap(), WouldDeadlock::InsideCall);
    });
}

#[test]
fn fault_39_blocking_adapters_in_a_coroutine_are_an_error_at_once_and_lose_nothing() {
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
            // On and off an executor.
            let refused = block_on(async { numbers.next() }).expect("an error");
            deadlocks(refused, WouldDeadlock::FuturesExecutor);
            got.push(numbers.next().unwrap().unwrap());
        }
        assert_eq!(got, (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn fault_39_a_call_back_from_a_full_offload_finds_a_thread() {
    within_deadline(|| {
        let portal = portal();
        let offload = Offload::builder().max_threads(1).build().unwrap();
        // Thread, coroutine, thread, coroutine, … on an offload of one thread, which is always taken.
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
        // One blocked thread may be replaced; the second would be one too many.
        assert_eq!(dive(&portal, &offload, 0).unwrap(), 2);
        let wider = Offload::builder().max_threads(5).build().unwrap();
        assert_eq!(dive(&portal, &wider, 0).unwrap(), 6);
        // And it is as good as new.
        assert_eq!(block_on(offload.run(|| 1)).unwrap(), 1);
    });
}

#[test]
fn fault_39_all_threads_of_an_offload_call_back_at_once() {
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
fn fault_39_the_runtime_goes_away_during_the_wait() {
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
        // One that the loop never comes to, too.
        stop.send(()).unwrap();
        assert!(matches!(waits.join().unwrap(), Err(CallError::RuntimeGone)));
        thread.join().unwrap();
        let late = portal.call(|| async { 1 });
        assert!(late.is_done());
        assert!(matches!(late.wait(), Err(CallError::RuntimeGone)));
    });
}

#[test]
fn fault_39_an_executor_that_drops_what_it_was_given_is_a_runtime_gone() {
    let portal = Portal::new(drop);
    let call = portal.call(|| async { 1 });
    assert!(matches!(call.wait(), Err(CallError::RuntimeGone)));
    let mut items = portal.iter(NonZeroUsize::MIN, || stream::iter(0..3));
    assert!(matches!(items.next(), Some(Err(CallError::RuntimeGone))));
    assert!(items.next().is_none());
}

#[test]
fn fault_39_a_runtime_that_nobody_drives_is_given_up_after_the_deadline() {
    within_deadline(|| {
        let (portal, _portal_loop) = Portal::local();
        let portal = portal.deadline(Some(Duration::from_millis(20)));
        let error = portal.call(|| async { 1 }).wait().unwrap_err();
        assert!(
            matches!(error, CallError::TimedOut { started: false, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("never polled"), "{error}");
    });
}

#[test]
fn fault_39_the_deadline_is_for_the_start_only_on_a_thread_of_one_s_own() {
    within_deadline(|| {
        let portal = portal().deadline(Some(Duration::from_millis(100)));
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
fn fault_39_on_a_hidden_pool_s_thread_the_whole_wait_has_the_deadline() {
    within_deadline(|| {
        let portal = portal().deadline(Some(Duration::from_millis(500)));
        // Named as the threads of the crate `blocking` are.
        let thread = thread::Builder::new().name("blocking-7".to_owned());
        let wait = thread.spawn(move || portal.call(pending::<()>).wait());
        let error = wait.unwrap().join().unwrap().unwrap_err();
        assert!(
            matches!(error, CallError::TimedOut { started: true, .. }),
            "{error}"
        );
    });
}

#[test]
fn fault_39_the_waiter_is_dropped_and_its_coroutine_cancelled() {
    within_deadline(|| {
        let portal = portal();
        let dropped = Counter::default();
        let held = dropped.on_drop();
        let mut call = portal.call(move || async move {
            let _held = held;
            pending::<()>().await;
        });
        assert!(call.wait_timeout(Duration::from_millis(5)).is_err());
        drop(call);
        eventually(|| dropped.get() == 1);
        // So it is after a `wait` that failed.
        let held = dropped.on_drop();
        let call = portal.call(move || async move {
            let _held = held;
            pending::<()>().await;
        });
        block_on(async { assert!(call.wait().is_err()) });
        eventually(|| dropped.get() == 2);
    });
}

#[test]
fn fault_39_an_offload_s_thread_that_awaits_a_coroutine_is_replaced_as_well() {
    within_deadline(|| {
        let portal = portal();
        let offload = Offload::builder().max_threads(1).build().unwrap();
        let inner = offload.clone();
        let value = block_on(offload.run(move || {
            let call = portal.call(move || async move { inner.run(|| 6).await.unwrap() + 1 });
            // Not `wait`: an executor of the call's own.
            block_on(call)
        }));
        assert_eq!(value.unwrap().unwrap(), 7);
        assert_eq!(block_on(offload.run(|| 1)).unwrap(), 1);
    });
}

/// Waits when it is dropped, as a connection pool might that hands something back.
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

/// A portal to an executor that nothing gives away: its one thread polls all there is.
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
fn fault_39_a_wait_in_the_drop_of_a_coroutine_is_an_error_at_once() {
    within_deadline(|| {
        let portal = plain_portal();
        let (tell, told) = mpsc::channel();

        // A coroutine that is cancelled under way.
        let held = WaitsInDrop(portal.clone(), tell.clone());
        let mut call = portal.call(move || async move {
            let _held = held;
            pending::<()>().await;
        });
        assert!(call.wait_timeout(Duration::from_millis(20)).is_err());
        drop(call);
        deadlocks(told.recv().unwrap(), WouldDeadlock::InsideCall);

        // A value that nobody wants.
        let value = WaitsInDrop(portal.clone(), tell.clone());
        let (open, opened) = oneshot::channel::<()>();
        let call = portal.call(move || async move {
            opened.await.unwrap();
            value
        });
        // Before the value is there: later it would be this thread that drops it, which may wait.
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
