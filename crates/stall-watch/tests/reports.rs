//! Where reports go, and what goes wrong there.

mod common;

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use common::{Heard, LONG, THRESHOLD, eventually, is_named, within_deadline};
use effective_stall_watch::{BuildError, Phase, StallWatch, StillRunning};
use futures::executor::block_on;

/// Holds the calling thread up until the watch has noticed once more.
fn stall(watch: &StallWatch) {
    let before = watch.stats().stalls;
    block_on(watch.wrap(async {
        eventually(|| watch.stats().stalls > before);
    }));
}

/// A payload whose own `Drop` panics, and so does that one's payload.
struct Nasty(u8);

impl Drop for Nasty {
    fn drop(&mut self) {
        if self.0 > 0 {
            panic_any(Nasty(self.0 - 1));
        }
    }
}

#[test]
fn a_callback_that_panics_is_called_again_and_the_watchdog_lives() {
    within_deadline(|| {
        let calls = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&calls);
        let watch = StallWatch::builder(THRESHOLD)
            .on_stall(move |_| {
                *counted.lock().unwrap() += 1;
                panic_any(Nasty(2));
            })
            .build()
            .unwrap();
        stall(&watch);
        stall(&watch);
        // Beginning and end of both.
        eventually(|| watch.stats().callback_panics == 4);
        assert_eq!(*calls.lock().unwrap(), 4);
    });
}

#[test]
fn the_rate_of_reports_is_limited_and_what_was_left_out_is_counted() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch =
            heard.listen(StallWatch::builder(Duration::from_millis(5)).reports_per_second(1));
        for _ in 0..6 {
            stall(&watch);
        }
        let stats = watch.stats();
        assert_eq!(stats.stalls, 6);
        let began = heard.count(Phase::Began) as u64;
        assert!(began >= 1, "{began}");
        assert_eq!(stats.suppressed, 6 - began);
        // The next one that is let through says how many were not.
        let told: u64 = heard.all().iter().map(|stall| stall.suppressed).sum();
        assert!(told <= stats.suppressed);
        thread::sleep(Duration::from_millis(1_100));
        stall(&watch);
        heard.wait_for(|stall| stall.suppressed > 0 || told == stats.suppressed);
    });
}

#[test]
fn hang_is_reported_after_ten_short_stalls() {
    within_deadline(|| {
        let heard = Heard::default();
        // The default limit: 10 a second.
        let watch = heard.listen(StallWatch::builder(Duration::from_millis(5)));
        for _ in 0..10 {
            stall(&watch);
        }
        watch.named("hang").run(|| {
            let stall = heard.wait_for(|stall| is_named(stall, "hang"));
            assert_eq!(stall.phase, Phase::Began);
            // Time enough for the next report: at ten thresholds or more.
            heard.wait_for(|stall| is_named(stall, "hang") && stall.phase == Phase::Continues);
        });
        heard.wait_for(|stall| is_named(stall, "hang") && stall.phase == Phase::Ended);
        let stats = watch.stats();
        assert_eq!(stats.stalls, 11);
        assert_eq!(stats.poll_times.at_least(Duration::from_millis(5)), 11);
    });
}

#[test]
fn hang_is_reported_while_another_thread_stalls_on() {
    within_deadline(|| {
        let heard = Heard::default();
        let builder = StallWatch::builder(Duration::from_millis(5)).reports_per_second(20);
        let watch = heard.listen(builder);
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            // It took its seat first, so it is looked at first.
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    stall(&watch);
                }
            });
            eventually(|| watch.stats().suppressed > 0);
            watch.named("hang").run(|| {
                heard.wait_for(|stall| is_named(stall, "hang"));
            });
            over.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn all_threads_are_reported_when_twice_the_limit_are_held_up() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(StallWatch::builder(THRESHOLD));
        let together = Barrier::new(20);
        thread::scope(|scope| {
            for number in 0..20 {
                let spot = watch.named(format!("thread {number}"));
                let (heard, together) = (&heard, &together);
                scope.spawn(move || {
                    spot.run(|| {
                        together.wait();
                        heard.wait_for_begun(20);
                    });
                });
            }
        });
        eventually(|| heard.count(Phase::Ended) == 20);
        let all = heard.all();
        for number in 0..20 {
            let name = format!("thread {number}");
            assert!(all.iter().any(|stall| is_named(stall, &name)));
        }
        assert_eq!(watch.stats().suppressed, 0);
    });
}

#[test]
fn limit_that_was_set_holds_for_any_number_of_threads() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(StallWatch::builder(THRESHOLD).reports_per_second(1));
        let begun = Instant::now();
        thread::scope(|scope| {
            for number in 0..3 {
                let spot = watch.named(format!("thread {number}"));
                let heard = &heard;
                scope.spawn(move || spot.run(|| heard.wait_for_begun(3)));
            }
        });
        // One at once, and one after each of two seconds.
        assert!(begun.elapsed() >= Duration::from_secs(2));
        assert!(watch.stats().suppressed >= 2);
    });
}

#[test]
fn without_reports_all_is_counted() {
    within_deadline(|| {
        let heard = Heard::default();
        let watch = heard.listen(StallWatch::builder(THRESHOLD).reports_per_second(0));
        stall(&watch);
        stall(&watch);
        let stats = watch.stats();
        assert_eq!((stats.stalls, stats.suppressed), (2, 2));
        assert_eq!(heard.all().len(), 0);
        eventually(|| watch.stats().ongoing == 0);
    });
}

#[test]
fn assertions_pass_without_a_stall_and_name_the_place_with_one() {
    within_deadline(|| {
        let watch = StallWatch::new(THRESHOLD).unwrap();
        block_on(watch.wrap(async {}));
        watch.assert_none();
        stall(&watch);
        let panic = catch_unwind(AssertUnwindSafe(|| watch.assert_none())).unwrap_err();
        let words = panic.downcast_ref::<String>().unwrap();
        assert!(
            words.contains("held up 1 times") && words.contains("reports.rs:"),
            "{words}"
        );
    });
}

#[test]
fn dropping_can_assert_too_but_never_panics_within_a_panic() {
    within_deadline(|| {
        let strict = || {
            StallWatch::builder(THRESHOLD)
                .panic_on_drop()
                .build()
                .unwrap()
        };
        drop(strict());
        let watch = strict();
        stall(&watch);
        assert!(catch_unwind(AssertUnwindSafe(|| drop(watch))).is_err());
        let panic = catch_unwind(|| {
            let watch = strict();
            stall(&watch);
            panic_any(5_u8);
        });
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&5_u8));
    });
}

#[test]
fn fault_6_a_watch_that_is_dropped_by_its_own_callback_does_not_join_itself() {
    within_deadline(|| {
        let (give, take) = mpsc::channel::<StallWatch>();
        let (done, wait) = mpsc::channel();
        let watch = StallWatch::builder(THRESHOLD)
            .on_stall(move |_| {
                drop(take.recv());
                let _ = done.send(());
            })
            .build()
            .unwrap();
        let spot = watch.named("x");
        give.send(watch).unwrap();
        spot.run(|| wait.recv_timeout(LONG).unwrap());
    });
}

#[test]
fn stopping_has_a_form_with_a_timeout() {
    within_deadline(|| {
        let watch = StallWatch::new(THRESHOLD).unwrap();
        assert_eq!(watch.stop_timeout(LONG), Ok(()));
        StallWatch::new(THRESHOLD).unwrap().stop();

        let (open, gate) = mpsc::channel::<()>();
        let (entered, inside) = mpsc::channel();
        let watch = StallWatch::builder(THRESHOLD)
            .on_stall(move |_| {
                let _ = entered.send(());
                let _ = gate.recv_timeout(LONG);
            })
            .build()
            .unwrap();
        watch.named("x").run(|| inside.recv_timeout(LONG).unwrap());
        let refused = watch.stop_timeout(Duration::from_millis(20));
        assert_eq!(refused, Err(StillRunning));
        assert!(StillRunning.to_string().contains("callback"));
        drop(open);
        // The watchdog ends, and with it its callback, which holds the sender.
        eventually(|| matches!(inside.try_recv(), Err(mpsc::TryRecvError::Disconnected)));
    });
}

#[test]
fn a_threshold_that_cannot_be_watched_is_refused() {
    for threshold in [Duration::ZERO, Duration::from_micros(999)] {
        let error = StallWatch::new(threshold).unwrap_err();
        assert!(matches!(error, BuildError::ThresholdTooShort(_)));
        let words = error.to_string();
        assert!(words.contains("1 ms") && !words.contains('\n'), "{words}");
        assert!(error.source().is_none());
    }
    let forever = StallWatch::new(Duration::MAX).unwrap();
    block_on(forever.wrap(async {}));
    forever.assert_none();
}

#[test]
fn handles_errors_and_reports_cross_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<StallWatch>();
    crosses::<effective_stall_watch::Spot>();
    crosses::<effective_stall_watch::Stall>();
    crosses::<effective_stall_watch::Stats>();
    crosses::<BuildError>();
    crosses::<StillRunning>();
}
