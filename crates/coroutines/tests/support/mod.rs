//! Executors, counters and misbehaving futures for the tests.
#![allow(dead_code, reason = "each test file uses its own part of this")]

mod executors;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

/// Longer than any test takes on any machine.
const HANGS: Duration = Duration::from_secs(60);

/// Runs a test on its own thread, and fails if it hangs.
pub(crate) fn bounded(test: impl FnOnce() + Send + 'static) {
    bounded_by(HANGS, test);
}

pub(crate) fn bounded_by(most: Duration, test: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel();
    let running = thread::spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(test));
        let _ = done.send(());
        outcome
    });
    match ended.recv_timeout(most) {
        Err(RecvTimeoutError::Timeout) => panic!("the test hangs"),
        _ => match running.join().expect("its panic is caught there") {
            Ok(()) => {}
            Err(panic) => std::panic::resume_unwind(panic),
        },
    }
}

/// Runs a test on several executors.
pub(crate) fn on_each_executor<F: Future<Output = ()>>(test: impl Fn() -> F + Send + 'static) {
    bounded(move || executors::on_each(test));
}

/// Awaits `count` turns of the executor.
pub(crate) async fn turns(count: usize) {
    let mut left = count;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A waker that counts.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once.
pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Counts the tasks that were made, are alive and have completed.
#[derive(Clone, Default)]
pub(crate) struct Gauge(Rc<Counts>);

#[derive(Default)]
struct Counts {
    made: Cell<usize>,
    live: Cell<usize>,
    peak: Cell<usize>,
    completed: Cell<usize>,
    waiting: RefCell<VecDeque<Waker>>,
}

impl Gauge {
    /// A future that is pending `polls` times and then returns `value`. It counts as alive from now
    /// until it is dropped.
    pub(crate) fn task<T>(&self, polls: usize, value: T) -> impl Future<Output = T> + use<T> {
        let live = self.enter();
        async move {
            turns(polls).await;
            let counts = &live.0.0;
            counts.completed.set(counts.completed.get() + 1);
            value
        }
    }

    /// The same, but it does not wake itself: [`wake_next`](Self::wake_next) does.
    pub(crate) fn waiting_task<T>(
        &self,
        polls: usize,
        value: T,
    ) -> impl Future<Output = T> + use<T> {
        let task = self.task(0, value);
        let gauge = self.clone();
        let mut left = polls;
        async move {
            poll_fn(|cx| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                gauge.0.waiting.borrow_mut().push_back(cx.waker().clone());
                Poll::Pending
            })
            .await;
            task.await
        }
    }

    /// Wakes the task that has waited longest.
    pub(crate) fn wake_next(&self) {
        let next = self.0.waiting.borrow_mut().pop_front();
        if let Some(waker) = next {
            waker.wake();
        }
    }

    pub(crate) fn enter(&self) -> Live {
        let counts = &self.0;
        counts.made.set(counts.made.get() + 1);
        counts.live.set(counts.live.get() + 1);
        counts.peak.set(counts.peak.get().max(counts.live.get()));
        Live(self.clone())
    }

    pub(crate) fn made(&self) -> usize {
        self.0.made.get()
    }

    pub(crate) fn live(&self) -> usize {
        self.0.live.get()
    }

    pub(crate) fn peak(&self) -> usize {
        self.0.peak.get()
    }

    pub(crate) fn completed(&self) -> usize {
        self.0.completed.get()
    }
}

/// Counts as alive until it is dropped.
pub(crate) struct Live(Gauge);

impl Drop for Live {
    fn drop(&mut self) {
        let live = &self.0.0.live;
        live.set(live.get().checked_sub(1).expect("dropped once"));
    }
}

/// Counts its drop, then panics in it. As a future it never ends.
#[derive(Debug)]
pub(crate) struct PanicsInDrop(pub(crate) Rc<Cell<usize>>);

impl PanicsInDrop {
    pub(crate) fn counted() -> (Rc<Cell<usize>>, impl Fn() -> Self + Clone) {
        let drops = Rc::new(Cell::new(0));
        let counted = Rc::clone(&drops);
        (drops, move || Self(Rc::clone(&counted)))
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        panic!("in drop");
    }
}

impl Future for PanicsInDrop {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// A sequence of numbers that futures write.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<usize>>>);

impl Log {
    pub(crate) fn note(&self, number: usize) {
        self.0.borrow_mut().push(number);
    }

    pub(crate) fn seen(&self) -> Vec<usize> {
        self.0.borrow().clone()
    }
}
