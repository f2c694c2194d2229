//! Calls of coroutines from threads.

mod support;

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use effective_bridge::{CallError, LocalPortal, Portal};
use futures::channel::oneshot;
use futures::executor::block_on;

use support::{Bomb, Counter, assert_timed_out, eventually, portal, quiet_panics, within_deadline};

/// A loop on a thread of its own, which exits after the last portal.
fn local() -> (LocalPortal, thread::JoinHandle<()>) {
    let (send, receive) = mpsc::channel();
    let thread = thread::spawn(move || {
        let (portal, portal_loop) = Portal::local();
        send.send(portal).unwrap();
        block_on(portal_loop);
    });
    (receive.recv().unwrap(), thread)
}

/// Pending for this many polls, each woken at once.
struct Yields(usize);

impl Future for Yields {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn call_returns_the_value() {
    within_deadline(|| {
        let portal = portal();
        for n in 0..100 {
            let call = portal.call(move || async move {
                Yields(n % 5).await;
                n * 2
            });
            assert_eq!(call.wait().unwrap(), n * 2);
        }
    });
}

#[test]
fn many_threads_call_at_once() {
    within_deadline(|| {
        let portal = portal();
        let (own, thread) = local();
        thread::scope(|threads| {
            for from in 0..8 {
                let (portal, own) = (portal.clone(), own.clone());
                threads.spawn(move || {
                    for n in 0..200 {
                        let sent = portal.call(move || async move { from * n });
                        let sent_local = own.call(move || async move { from + n });
                        assert_eq!(sent.wait().unwrap(), from * n);
                        assert_eq!(sent_local.wait().unwrap(), from + n);
                    }
                });
            }
        });
        drop(own);
        thread.join().unwrap();
    });
}

#[test]
fn local_coroutines_need_no_send_and_interleave() {
    within_deadline(|| {
        let (portal, thread) = local();
        let (open, opened) = oneshot::channel::<()>();
        let waits = portal.call(move || async move {
            let shared = Rc::new(Cell::new(1));
            opened.await.unwrap();
            shared.get()
        });
        let goes_on = portal.call(|| async { 2 });
        assert_eq!(goes_on.wait().unwrap(), 2);
        assert!(!waits.is_done());
        open.send(()).unwrap();
        assert_eq!(waits.wait().unwrap(), 1);
        drop(portal);
        thread.join().unwrap();
    });
}

#[test]
fn loop_finishes_calls_after_last_portal_is_dropped() {
    within_deadline(|| {
        let (portal, thread) = local();
        let (open, opened) = oneshot::channel::<()>();
        let call = portal.call(move || async move { opened.await.is_ok() });
        drop(portal);
        open.send(()).unwrap();
        assert!(call.wait().unwrap());
        thread.join().unwrap();
    });
}

#[test]
fn panic_is_the_error_of_its_own_call() {
    quiet_panics();
    within_deadline(|| {
        let portal = portal();
        let (own, thread) = local();
        let late = async || {
            Yields(2).await;
            panic!("meant: late")
        };
        let calls = [portal.call(late), own.call(late)];
        for call in calls {
            let result: Result<(), _> = call.wait();
            assert!(
                matches!(&result, Err(CallError::Panicked(panic)) if panic.message() == "meant: late")
            );
        }
        let early = portal.call(|| {
            if true {
                panic!("meant: early");
            }
            async {}
        });
        assert!(
            matches!(early.wait(), Err(CallError::Panicked(panic)) if panic.message() == "meant: early")
        );
        assert_eq!(portal.call(|| async { 1 }).wait().unwrap(), 1);
        assert_eq!(own.call(|| async { 1 }).wait().unwrap(), 1);
        drop(own);
        thread.join().unwrap();
    });
}

#[test]
fn panicking_destructors_are_contained() {
    quiet_panics();
    within_deadline(|| {
        let (own, thread) = local();
        // A coroutine that panics when it is dropped: cancelled midway, and at its end.
        let bomb = Bomb;
        let call = own.call(move || async move {
            let _bomb = bomb;
            pending::<()>().await;
        });
        call.cancel();
        assert!(matches!(
            call.wait(),
            Err(CallError::Cancelled | CallError::Panicked(_))
        ));
        let bomb = Bomb;
        let call = own.call(move || async move {
            let _bomb = bomb;
        });
        assert!(matches!(call.wait(), Err(CallError::Panicked(_))));
        // A value that is never taken.
        own.call(|| async { Bomb }).detach();
        assert_eq!(own.call(|| async { 1 }).wait().unwrap(), 1);
        drop(own);
        thread.join().unwrap();
    });
}

#[test]
fn timed_out_wait_loses_nothing() {
    within_deadline(|| {
        let portal = portal();
        let (enter, entered) = mpsc::channel();
        let (open, opened) = oneshot::channel::<()>();
        let mut call = portal.call(move || async move {
            enter.send(()).unwrap();
            opened.await.unwrap();
            5
        });
        entered.recv().unwrap();
        for _ in 0..3 {
            let error = call.wait_timeout(Duration::from_millis(3)).unwrap_err();
            assert_timed_out(&error, true);
        }
        open.send(()).unwrap();
        assert_eq!(call.wait_timeout(Duration::MAX).unwrap(), 5);
    });
}

#[test]
fn call_can_be_awaited() {
    within_deadline(|| {
        let portal = portal();
        // Inside an executor of `futures`, where a thread must not block.
        let value = block_on(async { portal.call(|| async { 4 }).await });
        assert_eq!(value.unwrap(), 4);
    });
}

#[test]
fn dropped_call_cancels_its_coroutine() {
    within_deadline(|| {
        let portal = portal();
        let (own, thread) = local();
        let dropped = Counter::default();
        for _ in 0..50 {
            let (one, other) = (dropped.on_drop(), dropped.on_drop());
            drop(portal.call(move || async move {
                let _held = one;
                pending::<()>().await;
            }));
            let mut call = own.call(move || async move {
                let _held = other;
                pending::<()>().await;
            });
            // Usually the coroutine has started.
            let _ = call.wait_timeout(Duration::from_micros(50));
        }
        eventually(|| dropped.get() == 100);
        drop(own);
        thread.join().unwrap();
    });
}

#[test]
fn call_cancelled_before_its_start_never_runs() {
    let (own, portal_loop) = Portal::local();
    let ran = Counter::default();
    let inside = ran.clone();
    let call = own.call(move || {
        inside.add();
        async {}
    });
    call.cancel();
    drop(own);
    block_on(portal_loop);
    assert!(matches!(call.wait(), Err(CallError::Cancelled)));
    assert_eq!(ran.get(), 0);
}

#[test]
fn wait_timeout_of_zero_is_allowed_anywhere() {
    let (own, portal_loop) = Portal::local();
    let mut call = own.call(|| async { 1 });
    drop(own);
    let error = call.wait_timeout(Duration::ZERO).unwrap_err();
    assert!(matches!(error, CallError::TimedOut { started: false, .. }));
    block_on(async {
        portal_loop.await;
        assert!(call.is_done());
        // Inside an executor a wait is refused even if it would not block.
        let error = call.wait_timeout(Duration::MAX).unwrap_err();
        assert!(matches!(error, CallError::WouldDeadlock(_)));
        assert_eq!(call.wait_timeout(Duration::ZERO).unwrap(), 1);
    });
}

#[test]
fn detached_coroutine_runs_to_its_end() {
    within_deadline(|| {
        let portal = portal();
        let ran = Counter::default();
        let inside = ran.clone();
        portal
            .call(move || async move {
                Yields(3).await;
                inside.add();
            })
            .detach();
        eventually(|| ran.get() == 1);
    });
}

#[test]
fn long_timeouts_expire_in_time() {
    within_deadline(|| {
        let portal = portal();
        // The later deadline is set first, so that the timer must wake for the earlier one.
        let later = thread::spawn({
            let portal = portal.clone();
            move || {
                let mut call = portal.call(pending::<()>);
                call.wait_timeout(Duration::from_millis(2_000))
            }
        });
        thread::sleep(Duration::from_millis(20));
        let start = std::time::Instant::now();
        let mut call = portal.call(pending::<()>);
        let error = call.wait_timeout(Duration::from_millis(1_100)).unwrap_err();
        assert!(matches!(error, CallError::TimedOut { started: true, .. }));
        assert!(start.elapsed() >= Duration::from_millis(1_100));
        assert!(matches!(
            later.join().unwrap(),
            Err(CallError::TimedOut { .. })
        ));
    });
}

/// A waker whose `Drop` parks consumes the wake-up that is meant for the wait.
#[test]
fn waker_that_parks_in_drop_loses_no_wake_up() {
    struct Parks(support::Gate);
    impl std::task::Wake for Parks {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Parks {
        fn drop(&mut self) {
            self.0.open();
            thread::park();
        }
    }

    within_deadline(|| {
        let gate = support::Gate::new();
        let inside = gate.clone();
        let portal = portal().deadlock_timeout(None);
        let mut call = portal.call(move || async move { inside.pass() });
        let waker = std::task::Waker::from(Arc::new(Parks(gate)));
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut call).poll(&mut cx).is_pending());
        drop(waker);
        call.wait().unwrap();
    });
}
