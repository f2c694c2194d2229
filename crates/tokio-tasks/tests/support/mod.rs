//! Counters, misbehaving futures and time limits for the tests.
#![allow(dead_code, reason = "each test program uses its own part of this")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::{Context, Poll, Wake};
use std::thread;
use std::time::{Duration, Instant};

use crate::runtime;

/// Runs the test on each runtime.
pub(crate) fn on_each_runtime<F: Future<Output = ()>>(test: impl Fn() -> F) {
    in_bounded_time(|| runtime::on_each(test));
}

/// Aborts the process with a message if `work` hangs.
pub(crate) fn in_bounded_time(work: impl FnOnce()) {
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let (done, watched) = channel::<()>();
    thread::spawn(move || {
        if watched.recv_timeout(Duration::from_secs(120)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name} hangs");
            std::process::abort();
        }
    });
    work();
    drop(done);
}

/// Waits until `condition` holds. Fails the test after a time that no machine needs.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
        runtime::sleep(Duration::from_micros(200)).await;
    }
}

/// Polls `future` at most `times` times, and lets other tasks run before each. Returns its value if
/// it ended.
pub(crate) async fn poll_times<F: Future>(
    mut future: Pin<&mut F>,
    times: usize,
) -> Option<F::Output> {
    for _ in 0..times {
        runtime::yield_now().await;
        let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(value) = polled {
            return Some(value);
        }
    }
    None
}

/// Yields to the scheduler `count` times.
pub(crate) async fn turns(count: usize) {
    for _ in 0..count {
        runtime::yield_now().await;
    }
}

/// A waker that counts its wakes.
#[derive(Default)]
pub(crate) struct Woken(AtomicUsize);

impl Woken {
    pub(crate) fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Counts the values that are alive now, at most and in all.
#[derive(Clone, Default)]
pub(crate) struct Gauge(Arc<Counts>);

#[derive(Default)]
struct Counts {
    live: AtomicUsize,
    peak: AtomicUsize,
    entered: AtomicUsize,
}

impl Gauge {
    pub(crate) fn enter(&self) -> Live {
        let live = self.0.live.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.peak.fetch_max(live, Ordering::SeqCst);
        self.0.entered.fetch_add(1, Ordering::SeqCst);
        Live(self.clone())
    }

    pub(crate) fn live(&self) -> usize {
        self.0.live.load(Ordering::SeqCst)
    }

    pub(crate) fn peak(&self) -> usize {
        self.0.peak.load(Ordering::SeqCst)
    }

    pub(crate) fn entered(&self) -> usize {
        self.0.entered.load(Ordering::SeqCst)
    }
}

/// Counts as alive until it is dropped.
pub(crate) struct Live(Gauge);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.0.live.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A value or future whose destructor panics.
pub(crate) struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("in drop");
        }
    }
}

impl Future for PanicsInDrop {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
