//! `TaskGroup` and `Spawner`.

use std::future::pending;
use std::pin::{Pin, pin};

use crate::support::{Gauge, PanicsInDrop, eventually, on_each_runtime, poll_times, turns};
use crate::tasks::{GroupEnded, Spawner, TaskError, TaskGroup};

#[test]
fn values_are_in_the_order_of_spawning() {
    on_each_runtime(async || {
        let mut group = TaskGroup::new();
        for n in 0..20 {
            group.spawn(async move {
                turns(20 - n).await;
                Ok::<_, String>(n)
            });
        }
        assert_eq!(group.len(), 20);
        assert!(group.join_all().await.unwrap().into_iter().eq(0..20));
    });
}

#[test]
fn empty_group_has_no_values() {
    on_each_runtime(async || {
        let group = TaskGroup::<(), String>::new();
        assert!(group.is_empty());
        assert!(group.join_all().await.unwrap().is_empty());
    });
}

#[test]
fn first_failure_cancels_and_awaits_the_others() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let mut group = TaskGroup::new();
        for n in 0..10 {
            let live = gauge.enter();
            group.spawn(async move {
                let _live = live;
                if n == 6 {
                    turns(3).await;
                    return Err("six");
                }
                pending::<Result<(), &str>>().await
            });
        }
        let error = group.join_all().await.unwrap_err();
        // Already, not eventually: the group has waited.
        assert_eq!(gauge.live(), 0);
        assert!(matches!(error.failures(), [(6, TaskError::Failed("six"))]));
        assert_eq!(error.cancelled(), 9);
        assert_eq!(
            error.to_string(),
            "1 of 10 tasks failed, 9 cancelled; task 6: six"
        );
    });
}

#[test]
fn panic_is_a_failure() {
    on_each_runtime(async || {
        let mut group = TaskGroup::<(), String>::new();
        group.spawn(pending());
        group.spawn(async { panic!("boom") });
        let failures = group.join_all().await.unwrap_err().into_failures();
        assert_eq!(failures.len(), 1);
        assert!(
            matches!(&failures[0], (1, TaskError::Panicked(panic)) if panic.message() == "boom")
        );
    });
}

#[test]
fn every_failure_is_reported() {
    on_each_runtime(async || {
        let mut group = TaskGroup::new();
        let gauge = Gauge::default();
        for name in ["zero", "one"] {
            let live = gauge.enter();
            group.spawn(async move {
                turns(2).await;
                drop(live);
                Err::<(), _>(name)
            });
        }
        // Cancelled, but its destructor panics.
        let started = Gauge::default();
        let starts = started.clone();
        group.spawn(async move {
            let _bomb = PanicsInDrop;
            drop(starts.enter());
            pending().await
        });
        eventually("both have failed, and the third runs", || {
            gauge.live() == 0 && started.entered() == 1
        })
        .await;
        let error = group.join_all().await.unwrap_err();
        let mut causes: Vec<String> = error
            .failures()
            .iter()
            .map(|(index, failure)| format!("{index} {failure}"))
            .collect();
        // On two threads they may have failed in either order.
        causes.sort();
        assert_eq!(causes, ["0 zero", "1 one", "2 the task panicked: in drop"]);
        assert_eq!(error.cancelled(), 0);
    });
}

#[test]
fn cancel_waits_and_returns_each_result() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let mut group = TaskGroup::new();
        let ended = Gauge::default();
        let guard = ended.enter();
        group.spawn(async move {
            drop(guard);
            Ok::<_, String>(1)
        });
        let live = gauge.enter();
        group.spawn(async move {
            let _live = live;
            pending().await
        });
        eventually("the first task has run", || ended.live() == 0).await;
        // Either it has left its result before the abort, or the abort finds it running and lets it
        // end. The value arrives in both cases.
        let results = group.cancel().await;
        assert_eq!(gauge.live(), 0);
        assert!(matches!(results[..], [Ok(1), Err(TaskError::Cancelled)]));
    });
}

#[test]
fn dropped_group_cancels_its_tasks() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let mut group = TaskGroup::<(), String>::new();
        for _ in 0..100 {
            let live = gauge.enter();
            group.spawn(async move {
                let _live = live;
                pending().await
            });
        }
        drop(group);
        eventually("all tasks are dropped", || gauge.live() == 0).await;
    });
}

#[test]
fn dropped_join_leaves_no_task() {
    on_each_runtime(async || {
        let mut polls = 0;
        loop {
            let gauge = Gauge::default();
            let mut group = TaskGroup::new();
            for n in 0..8 {
                let live = gauge.enter();
                group.spawn(async move {
                    let _live = live;
                    turns(n).await;
                    if n == 5 { Err("five") } else { Ok(n) }
                });
            }
            let ended = {
                let join = pin!(group.join_all());
                poll_times(join, polls).await
            };
            eventually("all tasks are dropped", || gauge.live() == 0).await;
            if let Some(result) = ended {
                assert!(result.is_err());
                break;
            }
            polls += 1;
        }
    });
}

/// A page of a site of 127 pages, which links to two others.
fn crawl(
    page: usize,
    spawner: Spawner<usize, String>,
) -> Pin<Box<dyn Future<Output = Result<usize, String>> + Send>> {
    Box::pin(async move {
        turns(page % 3).await;
        for link in [2 * page, 2 * page + 1] {
            if link < 128 {
                spawner.spawn(crawl(link, spawner.clone())).unwrap();
            }
        }
        Ok(page)
    })
}

#[test]
fn crawler_visits_every_page() {
    on_each_runtime(async || {
        let mut group = TaskGroup::new();
        let spawner = group.spawner();
        group.spawn(crawl(1, spawner.clone()));
        let joined = crate::runtime::spawned(async { group.join_all().await });
        let mut pages = joined.await.unwrap();
        assert_eq!(pages[0], 1, "values are in the order of spawning");
        pages.sort_unstable();
        assert!(pages.into_iter().eq(1..128));
        assert_eq!(spawner.spawn(async { Ok(1) }), Err(GroupEnded));
    });
}

#[test]
fn tasks_added_before_a_failure_are_cancelled_with_the_rest() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let mut group = TaskGroup::<(), &str>::new();
        let spawner = group.spawner();
        let live = gauge.clone();
        let adds = spawner.clone();
        group.spawn(async move {
            for _ in 0..20 {
                let live = live.enter();
                let added = adds.spawn(async move {
                    let _live = live;
                    pending().await
                });
                added.unwrap();
                turns(1).await;
            }
            Err("failed")
        });
        let error = group.join_all().await.unwrap_err();
        assert!(matches!(
            error.failures(),
            [(0, TaskError::Failed("failed"))]
        ));
        assert_eq!((error.cancelled(), gauge.live()), (20, 0));
        assert_eq!(spawner.spawn(async { Ok(()) }), Err(GroupEnded));
        assert!(GroupEnded.to_string().contains("ended"));
    });
}

#[test]
fn endless_spawning_ends_with_the_group() {
    fn again(
        spawner: Spawner<(), String>,
        gauge: Gauge,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> {
        let live = gauge.enter();
        Box::pin(async move {
            let _live = live;
            turns(1).await;
            let _ = spawner.spawn(again(spawner.clone(), gauge.clone()));
            Ok(())
        })
    }
    on_each_runtime(async || {
        for cancel in [false, true] {
            let gauge = Gauge::default();
            let mut group = TaskGroup::new();
            let spawner = group.spawner();
            for _ in 0..4 {
                group.spawn(again(spawner.clone(), gauge.clone()));
            }
            eventually("many tasks have run", || gauge.entered() > 100).await;
            if cancel {
                assert!(group.cancel().await.len() > 50);
                assert_eq!(gauge.live(), 0);
            } else {
                drop(group);
                eventually("all tasks are dropped", || gauge.live() == 0).await;
            }
            assert_eq!(spawner.spawn(async { Ok(()) }), Err(GroupEnded));
        }
    });
}

#[test]
fn error_of_many_failures_is_short() {
    on_each_runtime(async || {
        let ended = Gauge::default();
        let mut group = TaskGroup::<(), &str>::new();
        for _ in 0..1_000 {
            let live = ended.enter();
            group.spawn(async move {
                drop(live);
                Err("failed")
            });
        }
        eventually("all have failed", || ended.live() == 0).await;
        turns(50).await;
        let error = group.join_all().await.unwrap_err();
        assert_eq!(error.failures().len() + error.cancelled(), 1_000);
        assert!(error.to_string().len() < 1_000);
    });
}
