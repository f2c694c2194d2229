//! Wrapped futures and closures, and the contents of their reports.

mod support;

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use effective_stall_watch::{Phase, StallWatch, excused};
use futures::executor::{LocalPool, block_on};
use futures::future::{join, join_all};
use futures::task::LocalSpawnExt;
use support::{LONG, Reports, THRESHOLD, eventually, is_named, listen, within_deadline};

#[test]
fn report_names_thread_task_location_and_duration() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let line = line!() + 1;
        let spot = watch.named("greedy");
        let listener = reports.clone();
        let thread = thread::Builder::new().name("the loop".to_owned());
        let thread = thread
            .spawn(move || {
                // Blocks until this very stall is reported: the report comes while it continues.
                block_on(spot.wrap(async { drop(listener.wait_for(|_| true)) }));
                thread::current().id()
            })
            .unwrap();
        let id = thread.join().unwrap();
        let over = reports.wait_for(|stall| stall.phase == Phase::Ended);
        let all = reports.all();
        assert_eq!(all.len(), 2, "{all:?}");
        let began = &all[0];
        assert_eq!(began.phase, Phase::Began);
        for stall in [began, &over] {
            let thread = stall.thread.as_ref().unwrap();
            assert_eq!((thread.name.as_deref(), thread.id), (Some("the loop"), id));
            assert_eq!(thread.os_id.is_some(), cfg!(target_os = "linux"));
            let task = stall.task.as_ref().unwrap();
            assert_eq!(task.name.as_deref(), Some("greedy"));
            assert_eq!(
                (task.location.file(), task.location.line()),
                (file!(), line)
            );
            assert!(stall.lasted >= THRESHOLD && stall.lasted < LONG);
            assert!(stall.since.elapsed().unwrap() >= stall.lasted);
            assert_eq!((stall.within.as_ref(), stall.worker), (None, None));
            assert_eq!(stall.suppressed, 0);
        }
        assert!(over.lasted >= began.lasted);
        // When the second report is made, the thread has exited.
        assert_eq!((began.blocked, began.watched), (1, 1));
        assert_eq!((over.blocked, over.watched), (0, 0));
        let words = began.to_string();
        assert!(
            words.contains("`the loop`") && words.contains(&format!("wrap.rs:{line}:")),
            "{words}"
        );
        assert_eq!(watch.stats().stalls, 1);
    });
}

#[test]
fn unnamed_task_is_known_by_its_location() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let listener = reports.clone();
        let line = line!() + 1;
        block_on(watch.wrap(async move { drop(listener.wait_for(|_| true)) }));
        let task = reports.all().swap_remove(0).task.unwrap();
        assert_eq!((task.name, task.location.line()), (None, line));
    });
}

#[test]
fn long_stall_is_reported_at_ten_times_the_threshold() {
    within_deadline(|| {
        let (reports, watch) = listen();
        block_on(watch.wrap(async {
            reports.wait_for(|stall| stall.phase == Phase::Continues);
        }));
        let again = reports.wait_for(|stall| stall.phase == Phase::Continues);
        assert!(again.lasted >= 10 * THRESHOLD);
        assert!(again.task.is_some());
        assert_eq!(watch.stats().stalls, 1);
    });
}

#[test]
fn nested_polls_count_as_one_and_report_both_tasks() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let quick = watch.named("quick").wrap(async {});
        let slow = watch.named("slow").wrap(async {
            reports.wait_for(|_| true);
        });
        let after = watch.named("after").wrap(async {});
        block_on(watch.named("all").wrap(async {
            join(quick, slow).await;
            after.await;
        }));
        let stall = reports.all().swap_remove(0);
        assert!(is_named(&stall, "all"));
        assert_eq!(stall.within.unwrap().name.as_deref(), Some("slow"));
        assert_eq!(watch.stats().poll_times.count(), 1);
    });
}

#[test]
fn many_short_polls_within_a_long_one_are_a_stall() {
    within_deadline(|| {
        let (reports, watch) = listen();
        block_on(watch.named("all").wrap(async {
            while reports.all().is_empty() {
                watch
                    .named("one")
                    .wrap(async { thread::sleep(Duration::from_millis(1)) })
                    .await;
            }
        }));
        assert!(is_named(&reports.all()[0], "all"));
    });
}

#[test]
fn two_watches_are_independent() {
    within_deadline(|| {
        let ((reports, watch), other) = (listen(), Reports::default());
        let patient = other.listen(StallWatch::builder(LONG));
        block_on(
            patient
                .named("outer")
                .wrap(watch.named("inner").wrap(async {
                    reports.wait_for(|_| true);
                })),
        );
        let stall = reports.all().swap_remove(0);
        assert!(is_named(&stall, "inner"));
        assert_eq!(stall.within, None);
        assert_eq!(other.all().len(), 0);
        assert_eq!(patient.stats().poll_times.count(), 1);
    });
}

#[test]
fn future_may_move_between_threads_at_every_poll() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let polls = AtomicUsize::new(0);
        let listener = reports.clone();
        let mut future = Box::pin(watch.named("wanderer").wrap(poll_fn(move |_| {
            let poll = polls.fetch_add(1, Ordering::Relaxed) + 1;
            // Each poll blocks until it is reported.
            listener.wait_for_begun(poll);
            if poll == 3 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })));
        for number in 0..3 {
            let thread = thread::Builder::new().name(format!("stop {number}"));
            let moved = thread.spawn(move || {
                let _ = future
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()));
                future
            });
            future = moved.unwrap().join().unwrap();
        }
        let all = reports.all();
        let names: Vec<_> = all
            .iter()
            .filter(|stall| stall.phase == Phase::Began)
            .map(|stall| stall.thread.as_ref().unwrap().name.clone().unwrap())
            .collect();
        assert_eq!(names, ["stop 0", "stop 1", "stop 2"]);
        // The counts of exited threads remain.
        assert_eq!(watch.stats().poll_times.count(), 3);
    });
}

#[test]
fn panicking_poll_ends_and_its_panic_passes_through() {
    within_deadline(|| {
        let (reports, watch) = listen();
        for wrapped in [false, true] {
            // Without the panic hook: printing a backtrace takes long enough for a stall.
            let inner = watch
                .named("inner")
                .wrap(async { resume_unwind(Box::new(7_u8)) });
            let panic = catch_unwind(AssertUnwindSafe(|| {
                if wrapped {
                    block_on(watch.named("outer").wrap(inner));
                } else {
                    block_on(inner);
                }
            }));
            assert_eq!(panic.unwrap_err().downcast_ref(), Some(&7_u8));
        }
        // No poll is running: this is no stall.
        thread::sleep(3 * THRESHOLD);
        assert_eq!(reports.all().len(), 0);
        assert_eq!(watch.stats().poll_times.count(), 2);
        // The slot still works.
        block_on(watch.named("next").wrap(async {
            reports.wait_for(|stall| is_named(stall, "next"));
        }));
    });
}

#[test]
fn dropped_future_is_no_longer_watched() {
    within_deadline(|| {
        let (_, watch) = listen();
        drop(watch.wrap(pending::<()>()));
        let mut polled = Box::pin(watch.wrap(pending::<()>()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(polled.as_mut().poll(&mut context).is_pending());
        drop(polled);
        thread::sleep(3 * THRESHOLD);
        watch.assert_none();
        assert_eq!(watch.stats().poll_times.count(), 1);
    });
}

#[test]
fn future_that_outlives_the_watch_is_only_polled() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let (spot, future) = (watch.named("later"), watch.wrap(async { 1 }));
        drop(watch);
        assert_eq!(block_on(future), 1);
        assert_eq!(spot.run(|| 2), 2);
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(block_on(spot.wrap(async { 3 })), 3));
        });
        block_on(spot.wrap(async { thread::sleep(2 * THRESHOLD) }));
        assert_eq!(reports.all().len(), 0);
    });
}

#[test]
fn local_tasks_need_not_be_send() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let mut pool = LocalPool::new();
        let done = std::rc::Rc::new(std::cell::Cell::new(0));
        for number in 0..5 {
            let (done, listener) = (std::rc::Rc::clone(&done), reports.clone());
            let task = async move {
                if number == 3 {
                    listener.wait_for(|_| true);
                }
                done.set(done.get() + 1);
            };
            let spot = watch.named(format!("task {number}"));
            pool.spawner().spawn_local(spot.wrap(task)).unwrap();
        }
        pool.run();
        assert_eq!(done.get(), 5);
        let all = reports.all();
        assert!(all.iter().all(|stall| is_named(stall, "task 3")), "{all:?}");
    });
}

#[test]
fn callbacks_of_a_loop_are_watched() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let spot = watch.named("redraw");
        assert_eq!(spot.run(|| 5), 5);
        spot.run(|| drop(reports.wait_for(|_| true)));
        assert!(is_named(&reports.all()[0], "redraw"));
    });
}

#[test]
fn excused_time_is_no_stall_but_later_time_is() {
    within_deadline(|| {
        let (reports, watch) = listen();
        assert_eq!(excused(|| 1), 1);
        block_on(watch.named("known").wrap(async {
            excused(|| {
                thread::sleep(3 * THRESHOLD);
                excused(|| thread::sleep(THRESHOLD));
                thread::sleep(THRESHOLD);
            });
            let panic = catch_unwind(|| excused(|| panic!("within")));
            assert!(panic.is_err());
            watch.assert_none();
            reports.wait_for(|stall| is_named(stall, "known"));
        }));
        eventually(|| reports.count(Phase::Ended) == 1);
    });
}

#[test]
fn wrapped_future_can_be_unwrapped_and_printed() {
    let watch = StallWatch::new(LONG).unwrap();
    let wrapped = watch.named("x").wrap(async { 9 });
    assert!(format!("{wrapped:?}").contains("\"x\""), "{wrapped:?}");
    assert_eq!(block_on(pin!(wrapped.into_inner())), 9);
    assert_eq!(watch.named("y").task().name.as_deref(), Some("y"));
    assert!(format!("{watch:?}").contains("threshold"));
}

#[test]
fn poll_times_of_many_threads_add_up() {
    within_deadline(|| {
        let watch = Arc::new(StallWatch::new(LONG).unwrap());
        let done = Mutex::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for round in 0..200 {
                        let tasks = (0..10).map(|task| watch.wrap(async move { task * round }));
                        let sum: u64 = block_on(join_all(tasks)).into_iter().sum();
                        *done.lock().unwrap() += sum;
                    }
                });
            }
        });
        assert_eq!(*done.lock().unwrap(), 8 * 45 * 199 * 100);
        let times = watch.stats().poll_times;
        assert_eq!(times.count(), 8 * 200 * 10);
        assert!(times.quantile(1.0) == times.longest() && times.total() >= times.longest());
        watch.assert_none();
    });
}

#[test]
fn inner_task_is_reported_after_excused() {
    within_deadline(|| {
        for excuse in [false, true] {
            let (reports, watch) = listen();
            let (listener, innermost) = (reports.clone(), watch.named("innermost"));
            let inner = watch.named("inner").wrap(async move {
                if excuse {
                    effective_stall_watch::excused(|| innermost.run(|| ()));
                }
                listener.wait_for(|stall| is_named(stall, "outer"))
            });
            let stall = block_on(watch.named("outer").wrap(inner));
            let within = stall.within.as_ref().and_then(|task| task.name.as_deref());
            assert_eq!(within, Some("inner"), "excused: {excuse}");
            assert!(stall.to_string().contains("in the task `inner`"), "{stall}");
        }
    });
}
