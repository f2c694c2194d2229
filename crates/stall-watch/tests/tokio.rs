//! Watches of a whole tokio runtime, with wrapped and unwrapped tasks.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use effective_stall_watch::{Phase, Stall, StallWatch};
use support::{
    LONG, Reports, THRESHOLD, eventually, is_named, listen, spin_until, within_deadline,
};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::yield_now;
use tokio::time::sleep;

const ROUNDS: usize = 3;

/// A runtime whose workers have parked once, so that their threads are known.
fn workers(watch: &StallWatch, workers: usize) -> Runtime {
    let next = AtomicU64::new(0);
    let runtime = watch
        .configure(&mut Builder::new_multi_thread())
        .worker_threads(workers)
        .thread_name_fn(move || format!("loop {}", next.fetch_add(1, Ordering::Relaxed)))
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async { sleep(Duration::from_millis(50)).await });
    runtime
}

fn is_unwrapped(stall: &Stall) -> bool {
    stall.phase == Phase::Began && stall.task.is_none()
}

/// The report of an unwrapped task that blocks its worker until it is reported, and the identity
/// of that worker.
fn block_a_worker(runtime: &Runtime, reports: &Reports) -> (Stall, Thread, Option<usize>) {
    let reports = reports.clone();
    let blocker = runtime.spawn(async move {
        let stall = reports.wait_for(is_unwrapped);
        (stall, thread::current(), tokio::runtime::worker_index())
    });
    runtime.block_on(blocker).unwrap()
}

#[test]
fn fault_40_unwrapped_task_that_sleeps_is_reported() {
    within_deadline(|| {
        for _ in 0..ROUNDS {
            let (reports, watch) = listen();
            let runtime = workers(&watch, 2);
            let _watched = watch.runtime(runtime.handle().clone());
            let (stall, thread, index) = block_a_worker(&runtime, &reports);
            let name = stall.thread.as_ref().unwrap().name.as_deref();
            assert_eq!(name, thread.name());
            assert!(name.unwrap().starts_with("loop "));
            assert_eq!(stall.worker, index);
            assert!(stall.lasted >= THRESHOLD);
            assert!(stall.to_string().contains("not wrapped"), "{stall}");
            let over = reports.wait_for(|stall| stall.phase == Phase::Ended);
            assert_eq!((over.worker, over.task), (index, None));
        }
    });
}

#[test]
fn fault_40_unwrapped_task_that_spins_is_reported() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let runtime = workers(&watch, 2);
        let _watched = watch.runtime(runtime.handle().clone());
        let listener = reports.clone();
        let spinner = runtime.spawn(async move {
            spin_until(|| listener.all().iter().any(is_unwrapped));
        });
        runtime.block_on(spinner).unwrap();
    });
}

#[test]
fn fault_40_all_blocked_workers_are_reported() {
    within_deadline(|| {
        for _ in 0..ROUNDS {
            let (reports, watch) = listen();
            let runtime = workers(&watch, 3);
            let _watched = watch.runtime(runtime.handle().clone());
            let blockers: Vec<_> = (0..3)
                .map(|_| {
                    let listener = reports.clone();
                    runtime.spawn(async move { listener.wait_for_begun(3) })
                })
                .collect();
            for blocker in blockers {
                runtime.block_on(blocker).unwrap();
            }
            let mut found: Vec<_> = reports
                .all()
                .into_iter()
                .filter(is_unwrapped)
                .map(|stall| stall.worker.unwrap())
                .collect();
            found.sort_unstable();
            assert_eq!(found, [0, 1, 2]);
            assert!(
                reports
                    .all()
                    .iter()
                    .any(|stall| (stall.blocked, stall.watched) == (3, 3)),
                "{:?}",
                reports.all()
            );
        }
    });
}

#[test]
fn wrapped_task_is_reported_once_with_its_location() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let runtime = workers(&watch, 2);
        let _watched = watch.runtime(runtime.handle().clone());
        let listener = reports.clone();
        let blocker = watch.named("blocker").wrap(async move {
            listener.wait_for(|stall| is_named(stall, "blocker"));
            // Long enough for a second report.
            thread::sleep(3 * THRESHOLD);
        });
        runtime.block_on(runtime.spawn(blocker)).unwrap();
        reports.wait_for(|stall| stall.phase == Phase::Ended);
        let all = reports.all();
        assert_eq!(all.len(), 2, "{all:?}");
        let stall = &all[0];
        assert!(is_named(stall, "blocker") && stall.worker.is_none());
        assert_eq!((stall.blocked, stall.watched), (1, 2));
    });
}

#[test]
fn current_thread_runtime_is_watched_inside_block_on() {
    within_deadline(|| {
        for configured in [true, false] {
            let (reports, watch) = listen();
            let mut builder = Builder::new_current_thread();
            if configured {
                watch.configure(&mut builder);
            }
            let runtime = builder.enable_time().build().unwrap();
            let listener = reports.clone();
            runtime.block_on(async {
                let _watched = watch.runtime(Handle::current());
                sleep(2 * THRESHOLD).await;
                watch.assert_none();
                let blocker = tokio::spawn(async move { listener.wait_for(is_unwrapped) });
                let stall = blocker.await.unwrap();
                assert_eq!(stall.worker, Some(0));
                assert_eq!(stall.thread.as_ref().unwrap().id, thread::current().id());
                // The future of `block_on` runs on the same thread and may block it as well.
                let before = watch.stats().stalls;
                eventually(|| watch.stats().stalls > before);
            });
            // Outside `block_on` nothing moves, which is no stall.
            let before = watch.stats().stalls;
            thread::sleep(4 * THRESHOLD);
            assert_eq!(watch.stats().stalls, before);
        }
    });
}

#[test]
fn unconfigured_runtime_is_watched() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("only")
            .enable_time()
            .build()
            .unwrap();
        let _watched = watch.runtime(runtime.handle().clone());
        let (stall, ..) = block_a_worker(&runtime, &reports);
        assert_eq!((stall.thread.is_none(), stall.worker), (true, Some(0)));

        runtime
            .block_on(runtime.spawn(watch.wrap(async {})))
            .unwrap();
        let listener = reports.clone();
        let stall = runtime.spawn(async move {
            listener.wait_for(|stall| is_unwrapped(stall) && stall.thread.is_some())
        });
        let stall = runtime.block_on(stall).unwrap();
        assert_eq!(stall.thread.as_ref().unwrap().name.as_deref(), Some("only"));
    });
}

#[test]
fn fault_40_idle_runtime_is_no_stall() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let runtime = workers(&watch, 2);
        let _watched = watch.runtime(runtime.handle().clone());
        // A few timers, then nothing, long enough for the watchdog to doze.
        runtime.block_on(async {
            for _ in 0..10 {
                tokio::spawn(sleep(Duration::from_millis(30)))
                    .await
                    .unwrap();
            }
        });
        thread::sleep(30 * THRESHOLD);
        watch.assert_none();
        // The watchdog wakes for the next task.
        block_a_worker(&runtime, &reports);
    });
}

#[test]
fn fault_40_busy_runtime_is_no_stall() {
    within_deadline(|| {
        let watch = StallWatch::new(Duration::from_millis(500)).unwrap();
        let runtime = workers(&watch, 2);
        let _watched = watch.runtime(runtime.handle().clone());
        let end = Instant::now() + Duration::from_secs(2);
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                runtime.spawn(async move {
                    while Instant::now() < end {
                        let until = Instant::now() + Duration::from_millis(2);
                        spin_until(|| Instant::now() >= until);
                        yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
        watch.assert_none();
    });
}

#[test]
fn shut_down_runtime_is_no_stall() {
    within_deadline(|| {
        let (_, watch) = listen();
        for _ in 0..ROUNDS {
            let runtime = workers(&watch, 2);
            let _watched = watch.runtime(runtime.handle().clone());
            runtime.block_on(async { tokio::spawn(async {}).await.unwrap() });
            drop(runtime);
            thread::sleep(4 * THRESHOLD);
            watch.assert_none();
        }
    });
}

#[test]
fn runtime_is_watched_until_the_guard_is_dropped() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let runtime = workers(&watch, 1);
        let watched = watch.runtime(runtime.handle().clone());
        drop(watched);
        runtime
            .block_on(runtime.spawn(async { thread::sleep(4 * THRESHOLD) }))
            .unwrap();
        assert_eq!(reports.all().len(), 0);
        // Dropping the guard ends a stall in progress for the watch.
        let watched = watch.runtime(runtime.handle().clone());
        let (stop, gate) = std::sync::mpsc::channel::<()>();
        let blocker = runtime.spawn(async move { _ = gate.recv_timeout(LONG) });
        let stall = reports.wait_for(is_unwrapped);
        assert!(stall.thread.is_some(), "known from before");
        drop(watched);
        reports.wait_for(|stall| stall.phase == Phase::Ended);
        drop(stop);
        runtime.block_on(blocker).unwrap();
    });
}

#[test]
fn own_hooks_may_call_the_worker_hooks() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let parked = Arc::new(AtomicU64::new(0));
        let (parks, unparks, counted) = (
            watch.worker_hooks(),
            watch.worker_hooks(),
            Arc::clone(&parked),
        );
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("mine")
            .event_interval(8)
            .on_thread_park(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                parks.on_park();
            })
            .on_thread_unpark(move || unparks.on_unpark())
            .build()
            .unwrap();
        eventually(|| parked.load(Ordering::Relaxed) > 0);
        let _watched = watch.runtime(runtime.handle().clone());
        let (stall, ..) = block_a_worker(&runtime, &reports);
        assert_eq!(stall.thread.as_ref().unwrap().name.as_deref(), Some("mine"));
    });
}

/// A runtime whose workers have not run or parked yet.
fn fresh(watch: &StallWatch, workers: usize) -> Runtime {
    watch
        .configure(&mut Builder::new_multi_thread())
        .worker_threads(workers)
        .thread_name("fresh")
        .build()
        .unwrap()
}

#[test]
fn thread_of_a_worker_is_known_in_its_first_task() {
    within_deadline(|| {
        for workers in [1, 2, 4] {
            let (reports, watch) = listen();
            let runtime = fresh(&watch, workers);
            let _watched = watch.runtime(runtime.handle().clone());
            let blockers: Vec<_> = (0..workers)
                .map(|_| {
                    let listener = reports.clone();
                    runtime.spawn(async move {
                        listener.wait_for_begun(workers);
                        thread::current().id()
                    })
                })
                .collect();
            for blocker in blockers {
                let id = runtime.block_on(blocker).unwrap();
                let stall = reports.wait_for(|stall| {
                    is_unwrapped(stall) && stall.thread.as_ref().is_some_and(|it| it.id == id)
                });
                assert_eq!(stall.thread.unwrap().name.as_deref(), Some("fresh"));
            }
        }
    });
}

#[test]
fn thread_of_a_blocking_task_is_not_taken_for_a_worker() {
    within_deadline(|| {
        for _ in 0..10 {
            let (reports, watch) = listen();
            let runtime = fresh(&watch, 1);
            let _watched = watch.runtime(runtime.handle().clone());
            // Either of the two threads may become the worker.
            let blocking = runtime.spawn_blocking(|| ());
            let (stall, worker, _) = block_a_worker(&runtime, &reports);
            runtime.block_on(blocking).unwrap();
            assert!(stall.thread.is_none_or(|thread| thread.id == worker.id()));
        }
    });
}

#[test]
fn thread_of_a_worker_is_known_while_another_is_busy() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let runtime = fresh(&watch, 2);
        let _watched = watch.runtime(runtime.handle().clone());
        let busy = runtime.spawn(async {
            loop {
                yield_now().await;
            }
        });
        let (stall, worker, index) = block_a_worker(&runtime, &reports);
        busy.abort();
        assert_eq!(stall.thread.map(|thread| thread.id), Some(worker.id()));
        assert_eq!(stall.worker, index);
    });
}

#[test]
fn worker_that_blocks_the_shutdown_is_reported() {
    within_deadline(|| {
        for in_background in [false, true] {
            for rested in [false, true] {
                let (reports, watch) = listen();
                let runtime = if rested {
                    workers(&watch, 2)
                } else {
                    fresh(&watch, 2)
                };
                let _watched = watch.runtime(runtime.handle().clone());
                let (started, has_started) = std::sync::mpsc::channel();
                let listener = reports.clone();
                runtime.spawn(async move {
                    started.send(()).unwrap();
                    listener.wait_for(is_unwrapped);
                });
                has_started.recv().unwrap();
                if in_background {
                    runtime.shutdown_background();
                } else {
                    drop(runtime);
                }
                let stall = reports.wait_for(is_unwrapped);
                assert!(stall.thread.is_some());
                reports.wait_for(|stall| stall.phase == Phase::Ended);
                eventually(|| watch.stats().ongoing == 0);
                thread::sleep(3 * THRESHOLD);
                assert_eq!(watch.stats().stalls, 1);
            }
        }
    });
}

#[test]
fn runtime_shut_down_before_its_workers_parked_is_no_stall() {
    within_deadline(|| {
        let (_, watch) = listen();
        let mut guards = Vec::new();
        for _ in 0..20 {
            let runtime = fresh(&watch, 3);
            guards.push(watch.runtime(runtime.handle().clone()));
            drop(runtime);
        }
        thread::sleep(4 * THRESHOLD);
        watch.assert_none();
    });
}
