//! `map` and `gather`: order, limit, inputs.

mod support;

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::rc::Rc;

use effective_coroutines::{TaskError, Tasks, gather, map};
use support::{Gauge, on_each_executor, poll_once, turns};

const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

fn values<R>(results: Vec<Result<R, TaskError>>) -> Vec<R> {
    results
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("no task fails")
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
fn results_are_in_input_order() {
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
fn map_returns_one_result_per_input() {
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
fn gather_returns_results_in_order() {
    on_each_executor(async || {
        let futures = (0..100_usize).map(|n| async move {
            turns(n % 5).await;
            n
        });
        assert!(values(gather(futures).await).into_iter().eq(0..100));
    });
}

#[test]
fn map_returns_100_000_results() {
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
fn all_tasks_are_in_flight_without_a_limit() {
    on_each_executor(async || {
        // No task ends before the last one has started, and all are woken all the time.
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
fn limit_is_reached_and_never_exceeded() {
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
fn inputs_are_taken_as_the_limit_allows() {
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
fn dropped_map_leaves_inputs_in_the_iterator() {
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
fn huge_size_hint_allocates_no_memory() {
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
fn large_and_zero_sized_futures_work() {
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
