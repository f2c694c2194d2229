//! `Spawner` and `SendTaskGroup`: tasks that add tasks, and a group in a spawned task.

mod support;

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::thread;

use effective_coroutines::{GroupEnded, SendSpawner, SendTaskGroup, Spawner, TaskError, TaskGroup};
use support::{Gauge, PanicsInDrop, bounded, on_each_executor, poll_once, turns};

/// A page of a site of 127 pages, which links to two others.
fn crawl<'a>(
    page: usize,
    seen: &'a Cell<usize>,
    spawner: Spawner<'a, usize, String>,
) -> Pin<Box<dyn Future<Output = Result<usize, String>> + 'a>> {
    Box::pin(async move {
        turns(page % 3).await;
        for link in [2 * page, 2 * page + 1] {
            if link < 128 {
                spawner.spawn(crawl(link, seen, spawner.clone())).unwrap();
            }
        }
        seen.set(seen.get() + 1);
        Ok(page)
    })
}

#[test]
fn crawler_visits_every_page() {
    on_each_executor(async || {
        let seen = Cell::new(0);
        let mut group = TaskGroup::new();
        let spawner = group.spawner();
        group.spawn(crawl(1, &seen, spawner.clone()));
        let mut pages = group.join_all().await.unwrap();
        assert_eq!(seen.get(), 127);
        assert_eq!(pages[0], 1, "values are in the order of spawning");
        pages.sort_unstable();
        assert!(pages.into_iter().eq(1..128));
        assert_eq!(spawner.spawn(async { Ok(1) }), Err(GroupEnded));
    });
}

fn crawl_in_spawned_task(
    page: usize,
    spawner: SendSpawner<'static, usize, String>,
) -> Pin<Box<dyn Future<Output = Result<usize, String>> + Send>> {
    Box::pin(async move {
        tokio::task::yield_now().await;
        for link in [2 * page, 2 * page + 1] {
            if link < 128 {
                spawner
                    .spawn(crawl_in_spawned_task(link, spawner.clone()))
                    .unwrap();
            }
        }
        Ok(page)
    })
}

#[test]
fn group_is_awaited_in_a_spawned_task() {
    bounded(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let joined = tokio::spawn(async {
                let mut group = SendTaskGroup::new();
                let spawner = group.spawner();
                group.spawn(crawl_in_spawned_task(1, spawner));
                assert_eq!(group.len(), 1);
                group.join_all().await
            });
            assert_eq!(joined.await.unwrap().unwrap().len(), 127);
            let cancelled = tokio::spawn(async {
                let mut group = SendTaskGroup::<(), ()>::new();
                group.spawn(pending());
                group.cancel().await.len()
            });
            assert_eq!(cancelled.await.unwrap(), 1);
        });
    });
}

#[test]
fn task_added_from_another_thread_wakes_the_group() {
    bounded(|| {
        let mut group = SendTaskGroup::<_, String>::new();
        let spawner = group.spawner();
        let (wake, woken) = futures::channel::oneshot::channel();
        group.spawn(async move { Ok(woken.await.unwrap()) });
        let thread = thread::spawn(move || {
            // Task 1 ends task 0; nothing else wakes the group.
            spawner.spawn(async move { Ok(wake.send(7).map_or(0, |()| 8)) })
        });
        assert_eq!(
            futures::executor::block_on(group.join_all()).unwrap(),
            [7, 8]
        );
        assert_eq!(thread.join().unwrap(), Ok(()));
    });
}

#[test]
fn tasks_added_before_a_failure_are_cancelled_with_the_rest() {
    on_each_executor(async || {
        let gauge = Gauge::default();
        let mut group = TaskGroup::<(), &str>::new();
        let spawner = group.spawner();
        let (adds, refused) = (spawner.clone(), Rc::new(Cell::new(None)));
        let live = gauge.clone();
        group.spawn(async move {
            for _ in 0..3 {
                let live = live.enter();
                adds.spawn(async move {
                    let _live = live;
                    pending().await
                })
                .unwrap();
            }
            Err("failed")
        });
        // Adds a task in its destructor, which is too late.
        struct AddsWhenDropped<'a>(
            Spawner<'a, (), &'a str>,
            Rc<Cell<Option<Result<(), GroupEnded>>>>,
        );
        impl Drop for AddsWhenDropped<'_> {
            fn drop(&mut self) {
                self.1.set(Some(self.0.spawn(async { Ok(()) })));
            }
        }
        let adder = AddsWhenDropped(spawner.clone(), Rc::clone(&refused));
        spawner
            .spawn(async move {
                let _adder = adder;
                pending().await
            })
            .unwrap();
        let error = group.join_all().await.unwrap_err();
        assert!(matches!(
            error.failures(),
            [(0, TaskError::Failed("failed"))]
        ));
        assert!(error.cancelled() >= 4, "{error}");
        assert_eq!(gauge.live(), 0);
        assert!(refused.get().is_some());
        assert_eq!(spawner.spawn(async { Ok(()) }), Err(GroupEnded));
    });
}

#[test]
fn dropped_group_drops_added_tasks() {
    on_each_executor(async || {
        let gauge = Gauge::default();
        let (drops, bomb) = PanicsInDrop::counted();
        let mut group = TaskGroup::<(), ()>::new();
        let spawner = group.spawner();
        for _ in 0..3 {
            let (live, bomb) = (gauge.enter(), bomb());
            let again = spawner.clone();
            spawner
                .spawn(async move {
                    let (_again, _live, _bomb) = (again, live, bomb);
                    pending().await
                })
                .unwrap();
        }
        drop(group);
        assert_eq!((gauge.live(), drops.get()), (0, 3));
        assert_eq!(spawner.spawn(async { Ok(()) }), Err(GroupEnded));
    });
}

#[test]
fn cancel_reports_added_tasks() {
    on_each_executor(async || {
        let mut group = TaskGroup::<(), ()>::new();
        group.spawn(pending());
        let spawner = group.spawner();
        spawner.spawn(pending()).unwrap();
        group.spawn(pending());
        assert_eq!(group.len(), 3);
        let results = group.cancel().await;
        assert_eq!(results.len(), 3);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(TaskError::Cancelled)))
        );
        assert!(GroupEnded.to_string().contains("ended"));
    });
}

#[test]
fn join_waits_for_tasks_added_meanwhile() {
    bounded(|| {
        let mut group = TaskGroup::<usize, ()>::new();
        let (spawner, gauge) = (group.spawner(), Gauge::default());
        group.spawn({
            let task = gauge.waiting_task(1, 0);
            async move { Ok(task.await) }
        });
        let mut join = pin!(group.join_all());
        assert!(poll_once(join.as_mut()).is_pending());
        spawner.spawn(async { Ok(1) }).unwrap();
        gauge.wake_next();
        let Poll::Ready(values) = poll_once(join.as_mut()) else {
            panic!("both have ended");
        };
        assert_eq!(values.unwrap(), [0, 1]);
    });
}
