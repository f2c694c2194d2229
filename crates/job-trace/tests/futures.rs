//! Futures: recorded over all their polls, on whatever thread, also if they are cancelled.

#![cfg(target_os = "linux")]

mod support;

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use support::{Recording, count, number};

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[test]
fn futures_on_a_runtime_are_all_recorded() {
    let recording = Recording::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..500)
            .map(|index| {
                let task = recording.recorder.future(async move {
                    tokio::time::sleep(Duration::from_millis(index % 7)).await;
                    tokio::task::yield_now().await;
                    index
                });
                tokio::spawn(task)
            })
            .collect();
        for (index, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), index as u64);
        }
    });
    let (summary, tasks) = recording.finish();
    assert_eq!((summary.tasks, summary.unfinished), (500, 0));
    assert_eq!(count(&tasks, "done"), 500);
    assert!(tasks.iter().all(|task| number(task, "pendings") >= 1));
}

#[test]
fn cancelled_futures_are_recorded_as_cancelled() {
    let recording = Recording::new();
    {
        let mut polled = pin!(recording.recorder.future(pending::<()>()));
        assert!(polled.as_mut().poll(&mut context()).is_pending());
        assert!(polled.as_mut().poll(&mut context()).is_pending());
        thread::sleep(Duration::from_millis(5));
    }
    drop(recording.recorder.future(pending::<()>()));
    let (summary, tasks) = recording.finish();
    assert_eq!((summary.tasks, summary.unfinished), (2, 0));
    assert_eq!(count(&tasks, "cancelled"), 2);
    let wall = |task| number(task, "end_ns") - number(task, "start_ns");
    assert_eq!(number(&tasks[0], "pendings"), 2);
    assert!(
        wall(&tasks[0]) >= 5_000_000,
        "until it was dropped: {}",
        tasks[0]
    );
    assert_eq!((number(&tasks[1], "pendings"), wall(&tasks[1])), (0, 0));
}

#[test]
fn aborted_tasks_of_a_runtime_are_recorded() {
    let recording = Recording::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..100)
            .map(|_| tokio::spawn(recording.recorder.future(pending::<()>())))
            .collect();
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            assert!(task.await.unwrap_err().is_cancelled());
        }
    });
    let (summary, tasks) = recording.finish();
    assert_eq!((summary.tasks, summary.unfinished), (100, 0));
    assert_eq!(count(&tasks, "cancelled"), 100);
}

#[test]
fn panicking_future_is_recorded_and_goes_on_panicking() {
    let recording = Recording::new();
    let future = recording.recorder.future(async {
        tokio::task::yield_now().await;
        panic!("as planned");
    });
    let result = catch_unwind(AssertUnwindSafe(|| block_on(future)));
    assert!(result.is_err());
    let (summary, tasks) = recording.finish();
    assert_eq!((summary.tasks, summary.unfinished), (1, 0));
    assert_eq!(tasks[0]["outcome"], "panicked");
}

#[test]
fn time_between_wake_and_poll_is_queued() {
    let recording = Recording::new();
    let waker = RefCell::new(None);
    {
        let mut future = pin!(recording.recorder.future(poll_fn(|context| {
            let before: Option<Waker> = waker.replace(Some(context.waker().clone()));
            if before.is_some() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })));
        assert!(future.as_mut().poll(&mut context()).is_pending());
        thread::sleep(Duration::from_millis(20));
        // Woken in the middle: 20 ms of waiting, then 30 ms without a poll.
        let woken = waker.borrow().clone().unwrap();
        woken.wake();
        thread::sleep(Duration::from_millis(30));
        assert!(future.as_mut().poll(&mut context()).is_ready());
    }
    let (_, tasks) = recording.finish();
    let wall_ns = number(&tasks[0], "end_ns") - number(&tasks[0], "start_ns");
    let queued_ns = number(&tasks[0], "queued_ns");
    assert!(queued_ns >= 30_000_000, "{}", tasks[0]);
    assert!(wall_ns - queued_ns >= 20_000_000, "{}", tasks[0]);
}

#[test]
fn future_inside_a_task_is_a_part_of_it() {
    let recording = Recording::new();
    let recorder = &recording.recorder;
    recorder.task(|| block_on(recorder.future(async { tokio::task::yield_now().await })));
    block_on(recorder.future(async {
        recorder.task(|| ());
        recorder.future(async {}).await;
    }));
    let (summary, tasks) = recording.finish();
    assert_eq!(
        (summary.tasks, summary.nested, summary.unfinished),
        (2, 3, 0)
    );
    assert_eq!(count(&tasks, "done"), 2);
}

#[test]
fn future_of_a_finished_recording_still_runs() {
    let recording = Recording::new();
    let future = recording.recorder.future(async { 5 });
    recording.finish();
    assert_eq!(block_on(future), 5);
    assert_eq!(block_on(recording.recorder.future(async { 6 })), 6);
    assert_eq!(recording.read().len(), 0);
}

#[test]
fn cpu_time_is_that_of_the_polls() {
    let recording = Recording::new();
    let busy = || {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(10) {
            std::hint::spin_loop();
        }
    };
    {
        let mut future = pin!(recording.recorder.future(async {
            busy();
            tokio::task::yield_now().await;
            busy();
        }));
        while future.as_mut().poll(&mut context()).is_pending() {
            busy();
            busy();
            busy();
        }
    }
    let (_, tasks) = recording.finish();
    let wall_ns = number(&tasks[0], "end_ns") - number(&tasks[0], "start_ns");
    assert!(wall_ns >= 50_000_000, "{}", tasks[0]);
    assert!(
        number(&tasks[0], "cpu_ns") <= wall_ns - 30_000_000,
        "{}",
        tasks[0]
    );
}
