//! Helpers of the tests.
#![allow(dead_code, reason = "each test binary uses a part of it")]

mod gate;
mod gauge;
pub(crate) mod proc;
pub(crate) mod random;
pub(crate) mod sink;
mod waiting;

#[allow(unused_imports, reason = "each test binary uses a part of it")]
pub(crate) use {
    gate::Gate,
    gauge::Gauge,
    waiting::{cpu_time, eventually, soak_time, threads_named, within, within_deadline},
};

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use effective_bridge::{CallError, Job, Offload, Portal};

pub(crate) fn one_thread() -> Offload {
    Offload::builder().max_threads(1).build().unwrap()
}

/// One thread, and room for `max_pending` more jobs.
pub(crate) fn one_thread_and_room(max_pending: usize) -> Offload {
    let offload = Offload::builder().max_threads(1).max_pending(max_pending);
    offload.build().unwrap()
}

/// Occupies a thread: submits a job and waits until it is at the gate.
pub(crate) fn occupy(offload: &Offload) -> (Gate, Job<()>) {
    let gate = Gate::new();
    let inside = gate.clone();
    let (started, has_started) = mpsc::channel();
    let job = offload
        .try_run(move || {
            started.send(()).expect("the test waits");
            inside.pass();
        })
        .expect("open");
    has_started.recv().expect("the job starts");
    (gate, job)
}

/// Panics when dropped.
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("meant: a destructor");
    }
}

/// A counter that a test shares with its jobs.
#[derive(Clone, Default)]
pub(crate) struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn on_drop(&self) -> OnDrop {
        OnDrop(self.clone())
    }
}

pub(crate) struct OnDrop(Counter);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add();
    }
}

/// A portal to an executor of the crate `futures` with two threads.
pub(crate) fn portal() -> Portal {
    let executor = futures::executor::ThreadPool::builder()
        .pool_size(2)
        .create()
        .expect("threads can be started");
    Portal::new(move |coroutine| executor.spawn_ok(coroutine))
}

/// Drops a call that is running, which drops its coroutine.
pub(crate) fn drop_running_call(portal: &Portal) {
    let dropped = Counter::default();
    let held = dropped.on_drop();
    let mut call = portal.call(move || async move {
        let _held = held;
        std::future::pending::<()>().await;
    });
    assert!(call.wait_timeout(Duration::from_millis(5)).is_err());
    drop(call);
    eventually(|| dropped.get() == 1);
}

/// Asserts that the time of a call ran out, after or before its coroutine started.
#[track_caller]
pub(crate) fn assert_timed_out(error: &CallError, after_start: bool) {
    match error {
        CallError::TimedOut { started, .. } => assert_eq!(*started, after_start, "{error}"),
        _ => panic!("{error}"),
    }
}

/// Polls a future once, which leaves it pending.
#[track_caller]
pub(crate) fn poll_pending(future: impl Future + Unpin) {
    let mut future = future;
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut future).poll(&mut cx).is_pending());
}

/// Polls `future` at most `polls` times and waits to be woken in between. `None` if it stays
/// pending, or is not woken for `patience`.
pub(crate) fn poll_times<F: Future>(
    future: Pin<&mut F>,
    polls: usize,
    patience: Duration,
) -> Option<F::Output> {
    struct Unpark(thread::Thread, AtomicUsize);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.1.fetch_add(1, Ordering::SeqCst);
            self.0.unpark();
        }
    }
    let mut future = future;
    let unpark = Arc::new(Unpark(thread::current(), AtomicUsize::new(0)));
    let waker = Arc::clone(&unpark).into();
    let mut cx = Context::from_waker(&waker);
    for _ in 0..polls {
        let before = unpark.1.load(Ordering::SeqCst);
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return Some(value);
        }
        let start = Instant::now();
        while unpark.1.load(Ordering::SeqCst) == before {
            if start.elapsed() > patience {
                return None;
            }
            thread::park_timeout(Duration::from_millis(1));
        }
    }
    None
}

/// Silences the panics that a test provokes.
pub(crate) fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let meant = text(info.payload()).is_some_and(|text| text.starts_with("meant"));
        if !meant {
            eprintln!("{info}");
        }
    }));
}

/// The message of a panic, if its payload is text.
pub(crate) fn text(payload: &dyn std::any::Any) -> Option<&str> {
    let owned = || payload.downcast_ref::<String>().map(String::as_str);
    payload.downcast_ref::<&str>().copied().or_else(owned)
}
