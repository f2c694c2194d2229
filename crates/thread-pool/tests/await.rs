//! Handles as futures, on several runtimes.

mod support;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use effective_thread_pool::{JobError, ThreadPool};
use futures::executor::block_on;
use futures::future::{join_all, select};
use support::{occupy, within_deadline};

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

#[test]
fn await_works_in_an_executor_without_a_runtime() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let handles = (0..10_000u64).map(|n| pool.submit(move || n * 2).unwrap());
        let results = block_on(join_all(handles));
        for (n, result) in (0..).zip(results) {
            assert_eq!(result.unwrap(), n * 2);
        }
    });
}

#[test]
fn await_works_on_tokio() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            for n in 0..1_000 {
                assert_eq!(pool.submit(move || n + 1).unwrap().await.unwrap(), n + 1);
            }
            let (gate, mut running) = occupy(&pool);
            let late = tokio::time::timeout(Duration::from_millis(5), &mut running).await;
            assert!(late.is_err());
            gate.open();
            // The handle that lost against the timeout is still valid.
            running.await.unwrap();
        });
    });
}

#[test]
fn await_returns_errors() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let bad = pool.submit(|| -> u8 { panic!("bad") }).unwrap();
        let cancelled = pool.submit(|| 1).unwrap();
        cancelled.cancel();
        assert!(matches!(block_on(cancelled), Err(JobError::Cancelled)));
        gate.open();
        assert!(
            matches!(block_on(bad), Err(JobError::Panicked(panic)) if panic.message() == "bad")
        );
    });
}

#[test]
fn polled_handle_can_be_waited_for() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let (gate, _) = occupy(&pool);
        let (second, slow) = occupy(&pool);
        let fast = async {
            gate.open();
            7
        };
        let (seven, slow) = block_on(async {
            match select(slow, pin!(fast)).await {
                futures::future::Either::Right((seven, slow)) => (seven, slow),
                futures::future::Either::Left(_) => panic!("it is at its gate"),
            }
        });
        assert_eq!(seven, 7);
        second.open();
        slow.wait().unwrap();
    });
}

#[test]
fn only_the_last_waker_is_kept_and_woken_once() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, mut job) = occupy(&pool);
        let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let first_waker = Waker::from(Arc::clone(&first));
        let last_waker = Waker::from(Arc::clone(&last));
        for _ in 0..3 {
            assert!(poll(&mut job, &first_waker).is_pending());
            assert!(poll(&mut job, &last_waker).is_pending());
        }
        // Held by `first` and `first_waker`.
        assert_eq!(Arc::strong_count(&first), 2);
        assert_eq!(Arc::strong_count(&last), 3);
        gate.open();
        support::eventually(|| last.0.load(Ordering::SeqCst) == 1);
        assert_eq!(first.0.load(Ordering::SeqCst), 0);
        assert!(matches!(poll(&mut job, &last_waker), Poll::Ready(Ok(()))));
        support::eventually(|| Arc::strong_count(&last) == 2);
    });
}

#[test]
fn dropped_future_drops_its_waker_and_its_job_runs() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let (sender, receiver) = mpsc::channel();
        let mut job = pool.submit(move || sender.send(1).unwrap()).unwrap();
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        assert!(poll(&mut job, &waker).is_pending());
        drop(job);
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 1);
        gate.open();
        assert_eq!(receiver.recv().unwrap(), 1);
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
    });
}

struct PanickingWaker;

impl Wake for PanickingWaker {
    fn wake(self: Arc<Self>) {
        panic!("this waker panics");
    }
}

#[test]
fn worker_survives_a_panicking_waker() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let worker = pool.submit(|| std::thread::current().id()).unwrap();
        let worker = worker.wait().unwrap();
        let (gate, mut job) = occupy(&pool);
        let waker = Waker::from(Arc::new(PanickingWaker));
        assert!(poll(&mut job, &waker).is_pending());
        gate.open();
        let after = pool.submit(|| std::thread::current().id()).unwrap();
        assert_eq!(after.wait().unwrap(), worker);
        job.wait().unwrap();
    });
}

#[test]
fn using_a_handle_after_it_was_ready_panics() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        type Use = fn(effective_thread_pool::Handle<u8>);
        let uses: [Use; 4] = [
            |handle| drop(handle.wait()),
            |handle| drop(block_on(handle)),
            |mut handle| handle.on_complete(|_| ()),
            |handle| drop(effective_thread_pool::as_completed([handle]).next()),
        ];
        for again in uses {
            let mut handle = pool.submit(|| 1).unwrap();
            assert_eq!(block_on(&mut handle).unwrap(), 1);
            assert!(handle.is_finished());
            let panic = std::thread::spawn(move || again(handle))
                .join()
                .unwrap_err();
            let message = panic.downcast::<&str>().unwrap();
            assert!(message.contains("do not use a handle"), "{message}");
        }
    });
}

#[test]
fn polling_while_jobs_finish_loses_no_wake_up() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        for n in 0..20_000u32 {
            assert_eq!(block_on(pool.submit(move || n).unwrap()).unwrap(), n);
        }
    });
}
