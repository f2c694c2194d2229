//! `map` with panics: of tasks, of their destructors, of the function and of the iterator.

mod support;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use effective_coroutines::{TaskError, gather, map};
use support::{Gauge, PanicsInDrop, on_each_executor, poll_once, turns};

fn message<R>(result: &Result<R, TaskError>) -> &str {
    match result {
        Err(TaskError::Panicked(panic)) => panic.message(),
        _ => "no panic",
    }
}

#[test]
fn panic_is_the_error_of_its_task() {
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
fn panic_of_the_function_is_the_error_of_its_input() {
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
fn panic_in_future_drop_is_the_error_of_its_task() {
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
fn dropped_map_drops_every_panicking_future() {
    let (drops, make) = PanicsInDrop::counted();
    let mut mapped = Box::pin(gather((0..100).map(|_| make())));
    for _ in 0..20 {
        assert!(poll_once(mapped.as_mut()).is_pending());
    }
    drop(mapped);
    assert_eq!(drops.get(), 100);
}

#[test]
fn panic_of_the_iterator_propagates_and_drops_tasks() {
    let gauge = Gauge::default();
    let inputs = (0..10).inspect(|n| assert_ne!(*n, 5, "no more inputs"));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        futures::executor::block_on(map(inputs, |_| gauge.task(100, ())))
    }));
    assert!(outcome.is_err());
    assert_eq!((gauge.made(), gauge.live()), (5, 0));
}
