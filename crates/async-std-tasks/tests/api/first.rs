//! `first_completed`.

use std::future::{Ready, pending};
use std::pin::Pin;

use crate::support::{Gauge, PanicsInDrop, eventually, on_each_runtime, poll_times, turns};
use crate::tasks::{NoFutures, TaskError, first_completed};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[test]
fn the_first_wins_and_the_others_are_dropped_by_then() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let futures = (0..50).map(|n| {
            let live = gauge.enter();
            async move {
                let _live = live;
                if n != 17 {
                    pending::<()>().await;
                }
                turns(2).await;
                n
            }
        });
        let (which, result) = first_completed(futures).await.unwrap();
        // At once, not eventually.
        assert_eq!(gauge.live(), 0);
        assert_eq!((which, result.unwrap()), (17, 17));
        assert_eq!(gauge.entered(), 50);
    });
}

#[test]
fn of_no_futures_none_is_first() {
    on_each_runtime(async || {
        let none = first_completed(Vec::<Ready<()>>::new()).await;
        assert_eq!(none.map(|_| ()).unwrap_err(), NoFutures);
    });
}

#[test]
fn to_panic_is_a_way_to_end() {
    on_each_runtime(async || {
        let futures: [Boxed<()>; 2] = [
            Box::pin(pending()),
            Box::pin(async { panic!("first of all") }),
        ];
        let (which, result) = first_completed(futures).await.unwrap();
        assert_eq!(which, 1);
        assert!(
            matches!(result, Err(TaskError::Panicked(panic)) if panic.message() == "first of all")
        );
    });
}

#[test]
fn losers_that_panic_when_dropped_are_contained() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let futures = (0..6).map(|n| {
            let live = gauge.enter();
            let bomb = (n % 2 == 0).then(|| PanicsInDrop);
            let future: Boxed<Option<PanicsInDrop>> = Box::pin(async move {
                let _live = live;
                if n == 3 {
                    return None;
                }
                if n == 5 {
                    // It may end as well, with a value that nobody takes.
                    return Some(PanicsInDrop);
                }
                let _bomb = bomb;
                pending().await
            });
            future
        });
        let (which, result) = first_completed(futures).await.unwrap();
        std::mem::forget(result);
        assert!(which == 3 || which == 5, "{which}");
        assert_eq!(gauge.live(), 0);
    });
}

#[test]
fn a_first_that_is_thrown_away_may_panic_when_dropped() {
    on_each_runtime(async || {
        for polls in 0..10 {
            let gauge = Gauge::default();
            let futures = (0..3).map(|n| {
                let live = gauge.enter();
                let future: Boxed<Option<PanicsInDrop>> = Box::pin(async move {
                    let _live = live;
                    if n != 1 {
                        pending::<()>().await;
                    }
                    Some(PanicsInDrop)
                });
                future
            });
            let ended = poll_times(std::pin::pin!(first_completed(futures)), polls).await;
            std::mem::forget(ended);
            eventually("all are dropped", || gauge.live() == 0).await;
        }
    });
}
