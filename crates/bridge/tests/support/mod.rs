//! Helpers of the tests.
#![allow(dead_code, reason = "each test binary uses a part of it")]

mod gate;
pub(crate) mod proc;
pub(crate) mod random;
pub(crate) mod sink;
mod waiting;

#[allow(unused_imports, reason = "each test binary uses a part of it")]
pub(crate) use {
    gate::Gate,
    waiting::{cpu_time, eventually, threads_named, within_deadline},
};

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use effective_bridge::{Job, Offload, Portal};

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
