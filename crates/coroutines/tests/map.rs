//! `map` and `gather`: one result per input, in order.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use effective_coroutines::{TaskError, Tasks, gather, map};
use futures::channel::oneshot;
use support::{
    Gauge, Log, PanicsInDrop, Payload, Wakes, bounded, on_each_executor, poll_once, turns,
};

const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

fn values<R>(results: Vec<Result<R, TaskError>>) -> Vec<R> {
    results
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("every future ends well")
}

fn message<R>(result: &Result<R, TaskError>) -> &str {
    match result {
        Err(TaskError::Panicked(panic)) => panic.message(),
        _ => "no panic",
    }
}

#[test]
fn futures_may_borrow_and_need_not_be_send() {
    on_each_executor(async || {
        let words = [String::from("a"), String::from("bc")];
        let seen = RefCell::new(Vec::new());
        let lengths = map(&words, |word| {
            let not_send = Rc::new(());
            let seen = &seen;
            async move {
                turns(1).await;
                drop(not_send);
                seen.borrow_mut().push(word.as_str());
                word.len()
            }
        })
        .await;
        assert_eq!(values(lengths), [1, 2]);
        assert_eq!(seen.into_inner().len(), 2);
    });
}

#[test]
fn results_come_in_input_order_though_futures_end_in_another() {
    on_each_executor(async || {
        for limit in [1, 2, 7, 64, 65, 1_000] {
            let tasks = Tasks::new().limit(NonZeroUsize::new(limit).unwrap());
            let results = tasks
                .map(0..300_usize, async |n| {
                    turns((300 - n) % 17).await;
                    n
                })
                .await;
            assert!(values(results).into_iter().eq(0..300));
        }
    });
}

#[test]
fn no_input_gives_no_result_and_one_gives_one() {
    on_each_executor(async || {
        assert!(map(Vec::<u8>::new(), async |n| n).await.is_empty());
        assert_eq!(values(map([7], async |n| n + 1).await), [8]);
        assert!(
            gather(Vec::<std::future::Ready<u8>>::new())
                .await
                .is_empty()
        );
    });
}

#[test]
fn gathered_futures_give_their_results_in_order() {
    on_each_executor(async || {
        let futures = (0..100_usize).map(|n| async move {
            turns(n % 5).await;
            n
        });
        assert!(values(gather(futures).await).into_iter().eq(0..100));
    });
}

#[test]
fn a_hundred_thousand_futures_give_a_hundred_thousand_results() {
    on_each_executor(async || {
        let results = values(
            map(0..100_000_u64, async |n| {
                turns(1).await;
                n * 2
            })
            .await,
        );
        assert!(results.iter().copied().eq((0..100_000).map(|n| n * 2)));
    });
}

#[test]
fn all_are_under_way_at_once_without_a_limit() {
    on_each_executor(async || {
        // The first ones end only when the last one was started, and all of them are awake the whole time.
        let started = Cell::new(0);
        let results = map(0..1_000, async |_| {
            started.set(started.get() + 1);
            while started.get() < 1_000 {
                turns(1).await;
            }
        })
        .await;
        assert_eq!(values(results).len(), 1_000);
    });
}

#[test]
fn the_limit_is_reached_and_never_exceeded() {
    on_each_executor(async || {
        let gauge = Gauge::default();
        let results = Tasks::new()
            .limit(THREE)
            .map(0..100, |n| gauge.task(2, n))
            .await;
        assert!(values(results).into_iter().eq(0..100));
        assert_eq!((gauge.peak(), gauge.live()), (3, 0));
    });
}

#[test]
fn inputs_are_taken_only_as_the_limit_allows() {
    let taken = Cell::new(0);
    let inputs = (0..10).inspect(|_| taken.set(taken.get() + 1));
    let mut mapped = pin!(Tasks::new().limit(THREE).map(inputs, |_| pending::<()>()));
    assert_eq!(taken.get(), 0, "nothing happens before the first poll");
    for _ in 0..5 {
        assert!(poll_once(mapped.as_mut()).is_pending());
        assert_eq!(taken.get(), 3);
    }
}

#[test]
fn inputs_that_were_not_taken_stay_with_their_owner() {
    let mut inputs = 0..10;
    {
        let mut mapped = pin!(
            Tasks::new()
                .limit(THREE)
                .map(&mut inputs, |_| pending::<()>())
        );
        assert!(poll_once(mapped.as_mut()).is_pending());
    }
    assert_eq!(inputs, 3..10);
}

#[test]
fn a_future_that_panics_is_its_own_error() {
    on_each_executor(async || {
        let results = map(0..100, async |n| {
            turns(n % 3).await;
            assert_ne!(n % 10, 7, "no such order");
            n
        })
        .await;
        for (n, result) in results.iter().enumerate() {
            match result {
                Ok(value) => assert_eq!(*value, n),
                Err(_) => {
                    assert_eq!(n % 10, 7);
                    assert!(message(result).contains("no such order"));
                }
            }
        }
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 10);
    });
}

#[test]
fn a_function_that_panics_is_the_error_of_its_input() {
    on_each_executor(async || {
        let results = map(0..4, |n| {
            assert_ne!(n, 2, "no future");
            async move { n }
        })
        .await;
        assert!(message(&results[2]).contains("no future"));
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    });
}

#[test]
fn a_function_and_an_iterator_that_panic_in_their_drops_cost_no_result() {
    on_each_executor(async || {
        let (drops, make) = PanicsInDrop::counted();
        let (inner, outer) = (make(), make());
        let inputs = (0..3).inspect(move |_| {
            let _ = &inner;
        });
        let results = map(inputs, move |n| {
            let _ = &outer;
            async move { n }
        })
        .await;
        assert_eq!(values(results), [0, 1, 2]);
        assert_eq!(drops.get(), 2);
    });
}

#[test]
fn a_future_that_panics_in_its_drop_is_its_own_error() {
    on_each_executor(async || {
        let (drops, make) = PanicsInDrop::counted();
        let results = map(0..3, |n| {
            let bomb = (n == 1).then(&make);
            poll_fn(move |_| {
                let _ = &bomb;
                Poll::Ready(n)
            })
        })
        .await;
        assert_eq!(message(&results[1]), "in drop");
        assert!(matches!(results[0], Ok(0)) && matches!(results[2], Ok(2)));
        assert_eq!(drops.get(), 1);
    });
}

#[test]
fn a_value_whose_future_panics_in_its_drop_is_dropped_and_may_panic_too() {
    let (drops, make) = PanicsInDrop::counted();
    let results = futures::executor::block_on(map([()], |()| {
        let (bomb, make) = (make(), make.clone());
        poll_fn(move |_| {
            let _ = &bomb;
            Poll::Ready(make())
        })
    }));
    assert_eq!(message(&results[0]), "in drop");
    assert_eq!(drops.get(), 2);
}

#[test]
fn a_payload_that_panics_in_its_drop_is_contained() {
    let results = futures::executor::block_on(map(0..3, async |n| {
        if n == 1 {
            std::panic::panic_any(Payload);
        }
        n
    }));
    assert_eq!(
        message(&results[1]),
        "the payload of the panic is not a string"
    );
    drop(results);
}

#[test]
fn dropped_on_the_way_it_drops_each_future_and_each_value_though_all_of_them_panic() {
    let (drops, make) = PanicsInDrop::counted();
    let mut mapped = Box::pin(gather((0..100).map(|_| make())));
    for _ in 0..20 {
        assert!(poll_once(mapped.as_mut()).is_pending());
    }
    drop(mapped);
    assert_eq!(drops.get(), 100);

    let (drops, make) = PanicsInDrop::counted();
    let mut mapped = Box::pin(map(0..100, |n| {
        let value = (n < 99).then(&make);
        let mut value = Some(value);
        poll_fn(move |_| match value.take().expect("polled once") {
            Some(value) => Poll::Ready(value),
            None => {
                value = Some(None);
                Poll::Pending
            }
        })
    }));
    for _ in 0..20 {
        assert!(poll_once(mapped.as_mut()).is_pending());
    }
    assert_eq!(drops.get(), 0);
    drop(mapped);
    assert_eq!(drops.get(), 99);
}

#[test]
fn only_what_was_woken_is_polled() {
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
    assert_eq!(wakes.count(), woken_before + 1, "one wake for many");
    assert!(mapped.as_mut().poll(&mut cx).is_pending());
    let mut polled = polls.seen().split_off(200);
    polled.sort_unstable();
    assert_eq!(polled, [3, 64, 199]);
}

#[test]
fn a_waker_outlives_its_task_and_the_map() {
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
            // Those of tasks that were in this place before: a wake too many, and no more.
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
fn an_executor_whose_waker_panics_loses_no_wake() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("out of order");
        }
    }
    let (sender, receiver) = oneshot::channel::<u8>();
    let mut mapped = pin!(map([receiver], async |receiver| receiver.await.unwrap()));
    let waker = Waker::from(Arc::new(Panics));
    assert!(
        mapped
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    // The sender's end gets the panic; what it sent has arrived.
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send(7))).is_err());
    let polled = mapped
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled.map(values), Poll::Ready(vec![7]));
}

#[test]
fn wakes_come_from_other_threads_too() {
    on_each_executor(async || {
        let results = map(0..200_u64, |n| {
            let mut woken = None;
            poll_fn(move |cx| {
                let woken = woken.get_or_insert_with(|| {
                    let (sender, receiver) = std::sync::mpsc::channel();
                    let waker = cx.waker().clone();
                    std::thread::spawn(move || {
                        sender.send(n).expect("somebody waits");
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
fn futures_that_are_always_ready_do_not_hold_the_thread() {
    bounded(|| {
        // Endless inputs, each done at once: the map comes back all the same.
        let mut mapped = pin!(
            Tasks::new()
                .limit(THREE)
                .map((0..).map(|_| ()), async |()| {})
        );
        let (wakes, waker) = Wakes::new();
        for round in 1..=3 {
            let polled = mapped.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
            assert_eq!(wakes.count(), round, "it asked to be polled again");
        }
    });
}

#[test]
fn tasks_that_only_go_on_give_way_after_some_polls() {
    bounded(|| {
        // Tokio's own resources go on only after its executor had its turn: until then it is in vain to poll them.
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
                    // That it starts is not in vain.
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
        assert!(most < 300, "{most} polls at a stretch, nearly all in vain");
    });
}

#[test]
fn tasks_that_never_rest_do_not_keep_new_ones_from_starting_nor_the_other_way_round() {
    on_each_executor(async || {
        // With room for all, half of them spin until the very last input has been taken.
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

        // And of endless inputs that are done at once, the first one stops the flood, though only when it is woken.
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

#[test]
fn an_iterator_that_promises_too_much_costs_no_memory() {
    struct Boaster(u8);
    impl Iterator for Boaster {
        type Item = u8;
        fn next(&mut self) -> Option<u8> {
            self.0 = self.0.checked_sub(1)?;
            Some(self.0)
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (usize::MAX, None)
        }
    }
    let results = futures::executor::block_on(map(Boaster(3), async |n| n));
    assert_eq!(values(results), [2, 1, 0]);
}

#[test]
fn a_panic_of_the_iterator_goes_through_and_everything_is_dropped() {
    let gauge = Gauge::default();
    let inputs = (0..10).inspect(|n| assert_ne!(*n, 5, "no more inputs"));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        futures::executor::block_on(map(inputs, |_| gauge.task(100, ())))
    }));
    assert!(outcome.is_err());
    assert_eq!((gauge.made(), gauge.live()), (5, 0));
}

#[test]
fn large_futures_and_futures_without_a_size_are_fine() {
    on_each_executor(async || {
        let results = map(0..50_u8, async |n| {
            let large = [n; 40_000];
            turns(2).await;
            usize::from(large[39_999]) + large.len()
        })
        .await;
        assert!(values(results).into_iter().eq(40_000..40_050));
        assert_eq!(
            values(map(0..1_000, |_| std::future::ready(())).await).len(),
            1_000
        );
    });
}
