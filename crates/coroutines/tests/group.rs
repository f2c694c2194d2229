//! `TaskGroup`.

mod support;

use std::cell::Cell;
use std::error::Error;
use std::future::pending;

use effective_coroutines::{TaskError, TaskGroup};
use support::{Gauge, PanicsInDrop, on_each_executor, poll_once, turns};

#[test]
fn values_are_in_the_order_of_spawning() {
    on_each_executor(async || {
        let mut group = TaskGroup::<_, ()>::new();
        assert!(group.is_empty());
        for n in 0..100_usize {
            group.spawn(async move {
                turns((100 - n) % 9).await;
                Ok(n)
            });
        }
        assert_eq!(group.len(), 100);
        assert!(group.join_all().await.unwrap().into_iter().eq(0..100));
        assert!(
            TaskGroup::<(), ()>::new()
                .join_all()
                .await
                .unwrap()
                .is_empty()
        );
    });
}

#[test]
fn tasks_of_different_types_may_borrow_and_communicate() {
    on_each_executor(async || {
        let found = Cell::new(None);
        let name = String::from("name");
        let mut group = TaskGroup::<usize, ()>::new();
        group.spawn(async {
            while found.get().is_none() {
                turns(1).await;
            }
            Ok(found.get().unwrap())
        });
        group.spawn(async {
            found.set(Some(name.len()));
            Ok(0)
        });
        assert_eq!(group.join_all().await.unwrap(), [4, 0]);
    });
}

#[test]
fn nothing_runs_before_the_join() {
    let mut group = TaskGroup::<(), ()>::new();
    let gauge = Gauge::default();
    group.spawn(async {
        panic!("never polled");
    });
    let waiting = gauge.task(0, Ok(()));
    group.spawn(waiting);
    drop(group);
    assert_eq!((gauge.live(), gauge.completed()), (0, 0));
}

#[test]
fn first_failure_cancels_and_drops_the_others() {
    on_each_executor(async || {
        let gauge = Gauge::default();
        let mut group = TaskGroup::new();
        group.spawn(gauge.task(1, Ok(1)));
        group.spawn(gauge.task(usize::MAX, Ok(2)));
        group.spawn(gauge.task(3, Err("broken")));
        group.spawn(gauge.task(usize::MAX, Ok(4)));
        let error = group.join_all().await.unwrap_err();
        assert!(matches!(
            error.failures(),
            [(2, TaskError::Failed("broken"))]
        ));
        assert_eq!(error.cancelled(), 2);
        assert_eq!((gauge.live(), gauge.completed()), (0, 2));
    });
}

#[test]
fn panics_of_cancelled_tasks_are_reported() {
    on_each_executor(async || {
        let (drops, make) = PanicsInDrop::counted();
        let mut group = TaskGroup::<(), &str>::new();
        for _ in 0..3 {
            let bomb = make();
            group.spawn(async move {
                bomb.await;
                Ok(())
            });
        }
        group.spawn(async {
            turns(1).await;
            panic!("first");
        });
        group.spawn(pending());
        let error = group.join_all().await.unwrap_err();
        assert_eq!(
            (error.failures().len(), error.cancelled(), drops.get()),
            (4, 1, 3)
        );
        let [(3, TaskError::Panicked(first)), rest @ ..] = error.failures() else {
            panic!("the first failure is first: {error}");
        };
        assert_eq!(first.message(), "first");
        for (index, (task, failure)) in rest.iter().enumerate() {
            assert_eq!(index, *task);
            assert!(matches!(failure, TaskError::Panicked(panic) if panic.message() == "in drop"));
        }
    });
}

#[test]
fn cancel_reports_every_task() {
    on_each_executor(async || {
        let gauge = Gauge::default();
        let (_, make) = PanicsInDrop::counted();
        let mut group = TaskGroup::<(), ()>::new();
        group.spawn(gauge.task(0, Ok(())));
        let bomb = make();
        group.spawn(async move {
            bomb.await;
            Ok(())
        });
        let results = group.cancel().await;
        assert!(matches!(results[0], Err(TaskError::Cancelled)));
        assert!(
            matches!(&results[1], Err(TaskError::Panicked(panic)) if panic.message() == "in drop")
        );
        assert_eq!((results.len(), gauge.live(), gauge.completed()), (2, 0, 0));
    });
}

#[test]
fn dropped_join_drops_every_panicking_task() {
    let (drops, make) = PanicsInDrop::counted();
    let mut group = TaskGroup::<(), ()>::new();
    for _ in 0..70 {
        let bomb = make();
        group.spawn(async move {
            bomb.await;
            Ok(())
        });
    }
    let mut join = Box::pin(group.join_all());
    for _ in 0..10 {
        assert!(poll_once(join.as_mut()).is_pending());
    }
    assert_eq!(drops.get(), 0);
    drop(join);
    assert_eq!(drops.get(), 70);
}

#[test]
fn busy_group_yields_to_the_executor() {
    let mut group = TaskGroup::<(), ()>::new();
    group.spawn(async {
        loop {
            turns(1).await;
        }
    });
    let mut join = Box::pin(group.join_all());
    for _ in 0..3 {
        assert!(poll_once(join.as_mut()).is_pending());
    }
}

#[test]
fn group_error_converts_with_question_mark() {
    fn fails() -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut group = TaskGroup::<(), std::io::Error>::new();
        group.spawn(async { Err(std::io::Error::other("no disk")) });
        futures::executor::block_on(group.join_all())?;
        Ok(())
    }
    assert_eq!(
        fails().unwrap_err().to_string(),
        "1 of 1 tasks failed, 0 cancelled; task 0: no disk"
    );
}

#[test]
fn error_of_many_failures_is_short() {
    on_each_executor(async || {
        let mut group = TaskGroup::<(), &str>::new();
        for _ in 0..10_000 {
            group.spawn(async { Err("failed") });
        }
        // Nothing is polled after the first failure.
        let error = group.join_all().await.unwrap_err();
        assert_eq!((error.failures().len(), error.cancelled()), (1, 9_999));

        let (_, bomb) = PanicsInDrop::counted();
        let mut group = TaskGroup::<(), &str>::new();
        for _ in 0..1_000 {
            let bomb = bomb();
            group.spawn(async move {
                let _bomb = bomb;
                pending().await
            });
        }
        group.spawn(async { Err("failed") });
        let error = group.join_all().await.unwrap_err();
        assert_eq!(error.failures().len(), 1_001);
        let words = error.to_string();
        assert!(
            words.len() < 1_000 && words.ends_with("; and 991 more"),
            "{words}"
        );
    });
}
