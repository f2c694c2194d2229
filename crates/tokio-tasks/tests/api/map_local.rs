//! `map_local`: order, limit, panics, cancellation.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::rc::Rc;

use crate::support::{Gauge, PanicsInDrop, on_each_runtime, poll_times, turns};
use crate::tasks::{TaskError, Tasks, map_local};

const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

fn values<R>(results: Vec<Result<R, TaskError>>) -> Vec<R> {
    results
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("no future fails")
}

#[test]
fn futures_may_borrow_and_need_not_be_send() {
    on_each_runtime(async || {
        let words = [String::from("a"), String::from("bc")];
        let seen = RefCell::new(Vec::new());
        let lengths = map_local(&words, |word| {
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
fn map_local_needs_no_runtime() {
    let results = futures::executor::block_on(map_local(0..3, async |n| n * 2));
    assert_eq!(values(results), [0, 2, 4]);
}

#[test]
fn results_are_in_input_order() {
    on_each_runtime(async || {
        let results = map_local(0..50, |n| async move {
            turns(50 - n).await;
            n
        })
        .await;
        assert!(values(results).into_iter().eq(0..50));
    });
}

#[test]
fn map_local_returns_one_result_per_input() {
    on_each_runtime(async || {
        assert!(map_local(Vec::<u8>::new(), async |n| n).await.is_empty());
        assert_eq!(values(map_local([7], async |n| n + 1).await), [8]);
    });
}

#[test]
fn map_local_returns_100_000_results() {
    on_each_runtime(async || {
        let results = values(map_local(0..100_000_u64, async |n| n * 2).await);
        assert!(results.iter().copied().eq((0..100_000).map(|n| n * 2)));
    });
}

#[test]
fn limit_is_reached_and_never_exceeded() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let results = Tasks::new()
            .limit(THREE)
            .map_local(0..100, |n| {
                let live = gauge.enter();
                async move {
                    turns(n % 4 + 1).await;
                    drop(live);
                    n
                }
            })
            .await;
        assert!(values(results).into_iter().eq(0..100));
        assert_eq!(gauge.peak(), 3);
    });
}

#[test]
fn inputs_are_taken_as_the_limit_allows() {
    on_each_runtime(async || {
        let taken = Cell::new(0_u64);
        let ten_million = (0..10_000_000_u64).inspect(|_| taken.set(taken.get() + 1));
        let all = pin!(
            Tasks::new()
                .limit(THREE)
                .map_local(ten_million, |_| pending::<()>())
        );
        assert!(poll_times(all, 20).await.is_none());
        assert_eq!(taken.get(), 3);
    });
}

#[test]
fn panic_is_the_error_of_its_future() {
    on_each_runtime(async || {
        let results = map_local(0..4, |n| {
            assert_ne!(n, 2, "in the function");
            async move {
                turns(1).await;
                assert_ne!(n, 1, "in the future");
                n
            }
        })
        .await;
        assert!(
            results[1]
                .as_ref()
                .is_err_and(|error| error.to_string().contains("in the future"))
        );
        assert!(
            results[2]
                .as_ref()
                .is_err_and(|error| error.to_string().contains("in the function"))
        );
        assert!(results[0].is_ok() && results[3].is_ok());
    });
}

#[test]
fn panic_in_future_drop_is_its_error() {
    on_each_runtime(async || {
        let results = map_local([()], |()| PanicsInDrop).await;
        assert!(
            matches!(&results[0], Err(TaskError::Panicked(panic)) if panic.message() == "in drop")
        );
    });
}

#[test]
fn dropped_map_drops_every_future() {
    on_each_runtime(async || {
        let mut polls = 0;
        loop {
            let gauge = Gauge::default();
            let ended = {
                let all = pin!(Tasks::new().limit(THREE).map_local(0..12, |n| {
                    let live = gauge.enter();
                    async move {
                        turns(n % 3).await;
                        drop(live);
                    }
                }));
                poll_times(all, polls).await
            };
            assert_eq!(gauge.live(), 0);
            if ended.is_some() {
                break;
            }
            polls += 1;
        }
        assert!(polls > 1, "the map ended before it could be dropped");
    });
}

#[test]
fn dropped_map_drops_every_panicking_future() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        {
            let all = pin!(map_local(0..10, |_| {
                let held = (gauge.enter(), PanicsInDrop);
                async move {
                    let _held = held;
                    pending::<()>().await;
                }
            }));
            assert!(poll_times(all, 1).await.is_none());
            assert_eq!(gauge.live(), 10);
        }
        assert_eq!(gauge.live(), 0);
    });
}
