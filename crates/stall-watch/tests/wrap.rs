//! What is watched, and what a report says of it.

mod common;

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use common::{Heard, LONG, THRESHOLD, eventually, is_named, within_deadline};
use effective_stall_watch::{Phase, StallWatch, excused};
use futures::executor::{LocalPool, block_on};
use futures::future::{join, join_all};
use futures::task::LocalSpawnExt;

fn builder() -> effective_stall_watch::Builder {
    StallWatch::builder(THRESHOLD)
}

#[test]
fn a_report_names_thread_task_place_and_time_while_it_goes_on_and_one_more_when_it_is_over() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
        let line = line!() + 1;
        let spot = watch.named("greedy");
        let listener = heard.clone();
        let thread = thread::Builder::new().name("the loop".to_owned());
        let thread = thread
            .spawn(move || {
                // Blocks until the report of this very block has come: it is made while it goes on.
                block_on(spot.wrap(async { drop(listener.wait_for(|_| true)) }));
                thread::current().id()
            })
            .unwrap();
        let id = thread.join().unwrap();
        let over = heard.wait_for(|stall| stall.phase == Phase::Ended);
        let all = heard.all();
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
        // By the time of the second the thread is gone.
        assert_eq!((began.held_up, over.held_up), ((1, 1), (0, 0)));
        let words = began.to_string();
        assert!(
            words.contains("`the loop`") && words.contains(&format!("wrap.rs:{line}:")),
            "{words}"
        );
        assert_eq!(watch.stats().stalls, 1);
    });
}

#[test]
fn what_is_not_named_is_known_by_the_place_of_its_wrap() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
        let listener = heard.clone();
        let line = line!() + 1;
        block_on(watch.wrap(async move { drop(listener.wait_for(|_| true)) }));
        let task = heard.all().swap_remove(0).task.unwrap();
        assert_eq!((task.name, task.location.line()), (None, line));
    });
}

#[test]
fn a_task_that_goes_on_for_long_is_reported_again_at_ten_times_the_threshold() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
        block_on(watch.wrap(async {
            heard.wait_for(|stall| stall.phase == Phase::Continues);
        }));
        let again = heard.wait_for(|stall| stall.phase == Phase::Continues);
        assert!(again.lasted >= 10 * THRESHOLD);
        assert!(again.task.is_some());
        assert_eq!(watch.stats().stalls, 1);
    });
}

#[test]
fn polls_within_a_poll_are_one_and_the_report_names_the_outermost_and_the_innermost() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
        let quick = watch.named("quick").wrap(async {});
        let slow = watch.named("slow").wrap(async {
            heard.wait_for(|_| true);
        });
        let after = watch.named("after").wrap(async {});
        block_on(watch.named("all").wrap(async {
            join(quick, slow).await;
            after.await;
        }));
        let stall = heard.all().swap_remove(0);
        assert!(is_named(&stall, "all"));
        assert_eq!(stall.within.unwrap().name.as_deref(), Some("slow"));
        assert_eq!(watch.stats().poll_times.count(), 1);
    });
}

#[test]
fn many_short_polls_within_one_poll_hold_the_loop_up_all_the_same() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
        block_on(watch.named("all").wrap(async {
            while heard.all().is_empty() {
                watch
                    .named("one")
                    .wrap(async { thread::sleep(Duration::from_millis(1)) })
                    .await;
            }
        }));
        assert!(is_named(&heard.all()[0], "all"));
    });
}

#[test]
fn two_watches_do_not_mix() {
    within_deadline(|| {
        let (heard, other) = (Heard::default(), Heard::default());
        let watch = heard.listen(builder());
        let patient = other.listen(StallWatch::builder(LONG));
        block_on(
            patient
                .named("outer")
                .wrap(watch.named("inner").wrap(async {
                    heard.wait_for(|_| true);
                })),
        );
        let stall = heard.all().swap_remove(0);
        assert!(is_named(&stall, "inner"));
        assert_eq!(stall.within, None);
        assert_eq!(other.all().len(), 0);
        assert_eq!(patient.stats().poll_times.count(), 1);
    });
}

#[test]
fn a_future_may_move_between_threads_at_every_poll() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
        let polls = AtomicUsize::new(0);
        let listener = heard.clone();
        let mut future = Box::pin(watch.named("wanderer").wrap(poll_fn(move |_| {
            let poll = polls.fetch_add(1, Ordering::Relaxed) + 1;
            // Each poll blocks until it is reported itself.
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
        let all = heard.all();
        let names: Vec<_> = all
            .iter()
            .filter(|stall| stall.phase == Phase::Began)
            .map(|stall| stall.thread.as_ref().unwrap().name.clone().unwrap())
            .collect();
        assert_eq!(names, ["stop 0", "stop 1", "stop 2"]);
        // Of threads that are gone the counts remain.
        assert_eq!(watch.stats().poll_times.count(), 3);
    });
}

#[test]
fn a_poll_that_panics_ends_and_the_panic_passes_through() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
        for wrapped in [false, true] {
            // Without the hook: printing a backtrace takes long enough for a stall.
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
        // Nothing is being polled: this is no stall.
        thread::sleep(3 * THRESHOLD);
        assert_eq!(heard.all().len(), 0);
        assert_eq!(watch.stats().poll_times.count(), 2);
        // And the slot is in order.
        block_on(watch.named("next").wrap(async {
            heard.wait_for(|stall| is_named(stall, "next"));
        }));
    });
}

#[test]
fn a_future_that_is_dropped_at_any_point_is_not_watched_any_more() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
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
fn a_future_that_outlives_the_watch_is_merely_polled() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
        let (spot, future) = (watch.named("later"), watch.wrap(async { 1 }));
        drop(watch);
        assert_eq!(block_on(future), 1);
        assert_eq!(spot.run(|| 2), 2);
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(block_on(spot.wrap(async { 3 })), 3));
        });
        block_on(spot.wrap(async { thread::sleep(2 * THRESHOLD) }));
        assert_eq!(heard.all().len(), 0);
    });
}

#[test]
fn on_an_executor_of_one_thread_tasks_need_not_be_send() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
        let mut pool = LocalPool::new();
        let done = std::rc::Rc::new(std::cell::Cell::new(0));
        for number in 0..5 {
            let (done, listener) = (std::rc::Rc::clone(&done), heard.clone());
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
        let all = heard.all();
        assert!(all.iter().all(|stall| is_named(stall, "task 3")), "{all:?}");
    });
}

#[test]
fn callbacks_of_a_loop_are_watched_too() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
        let spot = watch.named("redraw");
        assert_eq!(spot.run(|| 5), 5);
        spot.run(|| drop(heard.wait_for(|_| true)));
        assert!(is_named(&heard.all()[0], "redraw"));
    });
}

#[test]
fn what_is_excused_is_no_stall_and_what_comes_after_is() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(builder());
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
            heard.wait_for(|stall| is_named(stall, "known"));
        }));
        eventually(|| heard.count(Phase::Ended) == 1);
    });
}

#[test]
fn watched_futures_can_be_taken_apart_and_shown() {
    let watch = StallWatch::new(LONG).unwrap();
    let wrapped = watch.named("x").wrap(async { 9 });
    assert!(format!("{wrapped:?}").contains("\"x\""), "{wrapped:?}");
    assert_eq!(block_on(pin!(wrapped.into_inner())), 9);
    assert_eq!(watch.named("y").task().name.as_deref(), Some("y"));
    assert!(format!("{watch:?}").contains("threshold"));
}

#[test]
fn many_threads_and_many_tasks_add_up() {
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
            let heard = Heard::default();
            let watch = heard.listen(StallWatch::builder(THRESHOLD));
            let (listener, innermost) = (heard.clone(), watch.named("innermost"));
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
