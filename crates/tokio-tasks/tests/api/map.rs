//! `map` and `gather`: order, limit, panics, cancellation.

use std::cell::Cell;
use std::future::pending;
use std::num::NonZeroUsize;

use crate::runtime::yield_now;
use crate::support::{Gauge, PanicsInDrop, eventually, on_each_runtime, poll_times, turns};
use crate::tasks::{TaskError, Tasks, gather, map};

const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

fn values<R>(results: Vec<Result<R, TaskError>>) -> Vec<R> {
    results
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("no task fails")
}

fn message<R>(result: &Result<R, TaskError>) -> &str {
    match result {
        Err(TaskError::Panicked(panic)) => panic.message(),
        Err(_) => "cancelled",
        Ok(_) => "ok",
    }
}

#[test]
fn results_are_in_input_order() {
    on_each_runtime(async || {
        let late_first = |n: usize| async move {
            turns(50 - n).await;
            n
        };
        let expected: Vec<usize> = (0..50).collect();
        assert_eq!(values(map(0..50, late_first).await), expected);
        assert_eq!(
            values(Tasks::new().limit(THREE).map(0..50, late_first).await),
            expected
        );
    });
}

#[test]
fn no_input_returns_no_result() {
    on_each_runtime(async || {
        let results = map(Vec::<u8>::new(), async |n| n).await;
        assert!(results.is_empty());
    });
}

#[test]
fn one_input_returns_one_result() {
    on_each_runtime(async || {
        assert_eq!(values(map([7], async |n| n + 1).await), [8]);
    });
}

#[test]
fn map_returns_100_000_results() {
    on_each_runtime(async || {
        let results = values(map(0..100_000_u64, async |n| n * 2).await);
        assert!(results.iter().copied().eq((0..100_000).map(|n| n * 2)));
    });
}

#[test]
fn limit_is_reached_and_never_exceeded() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let results = Tasks::new()
            .limit(THREE)
            .map(0..200, |n| {
                // Counted from the construction of the future to its drop.
                let live = gauge.enter();
                let gauge = gauge.clone();
                async move {
                    eventually("three tasks at once", || gauge.peak() >= 3).await;
                    turns(n % 4).await;
                    drop(live);
                    n
                }
            })
            .await;
        assert!(values(results).into_iter().eq(0..200));
        assert_eq!(gauge.peak(), 3);
    });
}

#[test]
fn inputs_are_taken_as_the_limit_allows() {
    on_each_runtime(async || {
        let taken = Cell::new(0_u64);
        let ten_million = (0..10_000_000_u64).inspect(|_| taken.set(taken.get() + 1));
        let mut all = Box::pin(
            Tasks::new()
                .limit(THREE)
                .map(ten_million, |_| pending::<()>()),
        );
        assert!(poll_times(all.as_mut(), 20).await.is_none());
        assert_eq!(taken.get(), 3);
    });
}

#[test]
fn huge_size_hint_allocates_no_memory() {
    struct Boaster(u8);
    impl Iterator for Boaster {
        type Item = u8;
        fn next(&mut self) -> Option<u8> {
            self.0.checked_sub(1).inspect(|left| self.0 = *left)
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (usize::MAX, None)
        }
    }
    on_each_runtime(async || {
        assert_eq!(values(map(Boaster(3), async |n| n).await), [2, 1, 0]);
    });
}

#[test]
fn panic_is_the_error_of_its_task() {
    on_each_runtime(async || {
        let results = map(0..5, |n| async move {
            yield_now().await;
            match n {
                1 => panic!("plain"),
                3 => panic!("formatted {n}"),
                _ => n,
            }
        })
        .await;
        let messages: Vec<&str> = results.iter().map(message).collect();
        assert_eq!(messages, ["ok", "plain", "ok", "formatted 3", "ok"]);
    });
}

#[test]
fn panic_of_the_function_is_the_error_of_its_input() {
    on_each_runtime(async || {
        let results = Tasks::new()
            .limit(THREE)
            .map(0..9, |n| {
                assert_ne!(n, 4, "no future for four");
                async move { n }
            })
            .await;
        assert!(message(&results[4]).contains("no future for four"));
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 8);
    });
}

#[test]
fn panic_in_future_drop_is_the_error_of_its_task() {
    on_each_runtime(async || {
        let results = map([0, 1], |_| PanicsInDrop).await;
        assert_eq!(message(&results[0]), "in drop");
        assert_eq!(message(&results[1]), "in drop");
    });
}

#[test]
fn no_task_starts_before_the_first_poll() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let all = map(0..10, |_| {
            let live = gauge.enter();
            async move { drop(live) }
        });
        drop(all);
        assert_eq!(gauge.entered(), 0);
    });
}

#[test]
fn dropped_map_cancels_every_task() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let mut all = Box::pin(map(0..1_000, |_| {
            let live = gauge.enter();
            async move {
                pending::<()>().await;
                drop(live);
            }
        }));
        while gauge.entered() < 1_000 {
            assert!(poll_times(all.as_mut(), 1).await.is_none());
        }
        assert_eq!(gauge.live(), 1_000);
        drop(all);
        eventually("all tasks are dropped", || gauge.live() == 0).await;
    });
}

#[test]
fn gather_returns_results_in_order() {
    on_each_runtime(async || {
        let results = gather((0..20).map(|n| async move {
            turns(20 - n).await;
            assert_ne!(n, 7, "seven");
            n
        }))
        .await;
        assert_eq!(results.len(), 20);
        for (n, result) in results.iter().enumerate() {
            match result {
                Ok(value) => assert_eq!(*value, n),
                Err(_) => assert_eq!((n, message(result).contains("seven")), (7, true)),
            }
        }
        assert!(
            gather(Vec::<std::future::Ready<()>>::new())
                .await
                .is_empty()
        );
    });
}
