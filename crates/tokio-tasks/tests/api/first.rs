//! `first_completed`.

use std::future::{Ready, pending};
use std::pin::Pin;

use crate::support::{Gauge, PanicsInDrop, on_each_runtime, turns};
use crate::tasks::{NoFutures, TaskError, first_completed};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[test]
fn others_are_dropped_before_the_first_is_returned() {
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
        let (index, result) = first_completed(futures).await.unwrap();
        // Already, not eventually.
        assert_eq!(gauge.live(), 0);
        assert_eq!((index, result.unwrap()), (17, 17));
        assert_eq!(gauge.entered(), 50);
    });
}

#[test]
fn no_futures_are_an_error() {
    on_each_runtime(async || {
        let none = first_completed(Vec::<Ready<()>>::new()).await;
        assert_eq!(none.map(|_| ()).unwrap_err(), NoFutures);
    });
}

#[test]
fn panic_may_complete_first() {
    on_each_runtime(async || {
        let futures: [Boxed<()>; 2] = [
            Box::pin(pending()),
            Box::pin(async { panic!("first of all") }),
        ];
        let (index, result) = first_completed(futures).await.unwrap();
        assert_eq!(index, 1);
        assert!(
            matches!(result, Err(TaskError::Panicked(panic)) if panic.message() == "first of all")
        );
    });
}

#[test]
fn panics_of_dropped_losers_are_discarded() {
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
                    // It may end as well, and its value is dropped.
                    return Some(PanicsInDrop);
                }
                let _bomb = bomb;
                pending().await
            });
            future
        });
        let (index, result) = first_completed(futures).await.unwrap();
        std::mem::forget(result);
        assert!(index == 3 || index == 5, "{index}");
        assert_eq!(gauge.live(), 0);
    });
}
