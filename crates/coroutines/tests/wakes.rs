//! Wakes and fairness: which tasks are polled, and when a map yields to its executor.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use effective_coroutines::{TaskError, Tasks, map};
use support::{Log, Wakes, bounded, on_each_executor, turns};

const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

fn values<R>(results: Vec<Result<R, TaskError>>) -> Vec<R> {
    results
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("no task fails")
}

#[test]
fn only_woken_tasks_are_polled() {
    let polls = Log::default();
    let wakers = RefCell::new(vec![None::<Waker>; 200]);
    let mut mapped = pin!(map(0..200, |n| {
        let (polls, wakers) = (polls.clone(), &wakers);
        poll_fn(move |cx| {
            polls.note(n);
            wakers.borrow_mut()[n] = Some(cx.waker().clone());
            Poll::<()>::Pending
        })
    }));
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    while polls.seen().len() < 200 {
        assert!(mapped.as_mut().poll(&mut cx).is_pending());
    }
    assert!(mapped.as_mut().poll(&mut cx).is_pending());
    let woken_before = wakes.count();
    for n in [3, 199, 64, 3] {
        wakers.borrow()[n].as_ref().unwrap().wake_by_ref();
    }
    assert_eq!(
        wakes.count(),
        woken_before + 1,
        "many wakes are one wake of the owner"
    );
    assert!(mapped.as_mut().poll(&mut cx).is_pending());
    let mut polled = polls.seen().split_off(200);
    polled.sort_unstable();
    assert_eq!(polled, [3, 64, 199]);
}

#[test]
fn waker_may_outlive_its_task_and_the_map() {
    let kept = RefCell::new(Vec::new());
    let results = futures::executor::block_on(Tasks::new().limit(THREE).map(0..10, |n| {
        let kept = &kept;
        let mut polled = false;
        poll_fn(move |cx| {
            kept.borrow_mut().push(cx.waker().clone());
            cx.waker().wake_by_ref();
            if std::mem::replace(&mut polled, true) {
                return Poll::Ready(n);
            }
            // Wakers of earlier tasks in the same slot cause spurious wakes, and nothing else.
            kept.borrow().iter().for_each(Waker::wake_by_ref);
            Poll::Pending
        })
    }));
    assert!(values(results).into_iter().eq(0..10));
    let kept = kept.into_inner();
    assert_eq!(kept.len(), 20);
    kept.iter().for_each(Waker::wake_by_ref);
    kept.into_iter().for_each(Waker::wake);
}

#[test]
fn panicking_waker_of_the_executor_loses_no_wake() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("meant");
        }
    }
    let (sender, receiver) = futures::channel::oneshot::channel::<u8>();
    let mut mapped = pin!(map([receiver], async |receiver| receiver.await.unwrap()));
    let waker = Waker::from(Arc::new(Panics));
    let mut cx = Context::from_waker(&waker);
    assert!(mapped.as_mut().poll(&mut cx).is_pending());
    // The sender gets the panic, but its value has arrived.
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send(7))).is_err());
    let mut cx = Context::from_waker(Waker::noop());
    let polled = mapped.as_mut().poll(&mut cx);
    assert_eq!(polled.map(values), Poll::Ready(vec![7]));
}

#[test]
fn wakes_come_from_other_threads() {
    on_each_executor(async || {
        let results = map(0..200_u64, |n| {
            let mut woken = None;
            poll_fn(move |cx| {
                let woken = woken.get_or_insert_with(|| {
                    let (sender, receiver) = std::sync::mpsc::channel();
                    let waker = cx.waker().clone();
                    std::thread::spawn(move || {
                        sender.send(n).expect("the receiver exists");
                        waker.wake();
                    });
                    receiver
                });
                woken.try_recv().map_or(Poll::Pending, Poll::Ready)
            })
        })
        .await;
        assert!(values(results).into_iter().eq(0..200));
    });
}

#[test]
fn endless_ready_futures_yield_to_the_executor() {
    bounded(|| {
        // The inputs are endless and each task ends at once, and still the poll returns.
        let mut mapped = pin!(
            Tasks::new()
                .limit(THREE)
                .map((0..).map(|_| ()), async |()| {})
        );
        let (wakes, waker) = Wakes::new();
        for round in 1..=3 {
            let polled = mapped.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
            assert_eq!(wakes.count(), round, "it woke itself");
        }
    });
}

#[test]
fn fruitless_polls_yield_to_the_executor() {
    bounded(|| {
        // When their budget is used up, tokio's resources stay pending until its executor runs.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let polls = Cell::new(0);
        let mut most = 0;
        runtime.block_on(async {
            let mut mapped = pin!(map(0..1_000, |_| {
                let polls = &polls;
                let mut started = false;
                let mut task = Box::pin(async {
                    for _ in 0..128 {
                        tokio::task::coop::consume_budget().await;
                    }
                });
                poll_fn(move |cx| {
                    // The first poll of a task is not fruitless.
                    polls.set(polls.get() + usize::from(std::mem::replace(&mut started, true)));
                    task.as_mut().poll(cx)
                })
            }));
            let results = poll_fn(|cx| {
                let before = polls.get();
                let polled = mapped.as_mut().poll(cx);
                most = most.max(polls.get() - before);
                polled
            })
            .await;
            assert_eq!(values(results).len(), 1_000);
        });
        assert!(most < 300, "{most} polls in a row, nearly all fruitless");
    });
}

#[test]
fn busy_and_new_tasks_do_not_starve_each_other() {
    on_each_executor(async || {
        // Half of the tasks spin until the last input has been taken.
        let last = Cell::new(false);
        let results = map(0..500, async |n| {
            if n == 499 {
                last.set(true);
            }
            while n % 2 == 0 && !last.get() {
                turns(1).await;
            }
        })
        .await;
        assert_eq!(values(results).len(), 500);

        // The inputs end when the first task says so, which it does only after a few wakes.
        let stop = Rc::new(Cell::new(false));
        let flood = (0_u64..).take_while(|_| !stop.get());
        let results = map(flood, |n| {
            let stop = Rc::clone(&stop);
            async move {
                if n == 0 {
                    turns(3).await;
                    stop.set(true);
                }
            }
        })
        .await;
        assert!(!values(results).is_empty());
    });
}
