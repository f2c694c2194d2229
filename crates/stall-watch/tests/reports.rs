//! The delivery of reports: callbacks, rate limit, assertions, stopping.

mod support;

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use effective_stall_watch::{BuildError, Phase, StallWatch, StillRunning};
use futures::executor::block_on;
use support::{LONG, Reports, THRESHOLD, eventually, is_named, listen, within_deadline};

/// Blocks the current thread until the watch has counted one more stall.
fn stall(watch: &StallWatch) {
    let before = watch.stats().stalls;
    block_on(watch.wrap(async {
        eventually(|| watch.stats().stalls > before);
    }));
}

/// A panic payload whose `Drop` panics.
struct Nasty;

impl Drop for Nasty {
    fn drop(&mut self) {
        panic!("the payload's destructor");
    }
}

#[test]
fn panicking_callback_is_called_again() {
    within_deadline(|| {
        let calls = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&calls);
        let watch = StallWatch::builder(THRESHOLD)
            .on_stall(move |_| {
                *counted.lock().unwrap() += 1;
                panic_any(Nasty);
            })
            .build()
            .unwrap();
        stall(&watch);
        stall(&watch);
        // The beginning and the end of both stalls.
        eventually(|| watch.stats().callback_panics == 4);
        assert_eq!(*calls.lock().unwrap(), 4);
    });
}

#[test]
fn rate_limit_suppresses_and_counts_reports() {
    within_deadline(|| {
        let reports = Reports::default();
        let watch =
            reports.listen(StallWatch::builder(Duration::from_millis(5)).reports_per_second(1));
        for _ in 0..6 {
            stall(&watch);
        }
        let stats = watch.stats();
        assert_eq!(stats.stalls, 6);
        let began = reports.count(Phase::Began) as u64;
        assert!(began >= 1, "{began}");
        assert_eq!(stats.suppressed, 6 - began);
        // The next report says how many were suppressed.
        let announced: u64 = reports.all().iter().map(|stall| stall.suppressed).sum();
        assert!(announced <= stats.suppressed);
        thread::sleep(Duration::from_millis(1_100));
        stall(&watch);
        reports.wait_for(|stall| stall.suppressed > 0 || announced == stats.suppressed);
    });
}

#[test]
fn hang_is_reported_after_ten_short_stalls() {
    within_deadline(|| {
        let reports = Reports::default();
        // The default limit: 10 a second.
        let watch = reports.listen(StallWatch::builder(Duration::from_millis(5)));
        for _ in 0..10 {
            stall(&watch);
        }
        watch.named("hang").run(|| {
            let stall = reports.wait_for(|stall| is_named(stall, "hang"));
            assert_eq!(stall.phase, Phase::Began);
            // Long enough for the next report, at ten thresholds or more.
            reports.wait_for(|stall| is_named(stall, "hang") && stall.phase == Phase::Continues);
        });
        reports.wait_for(|stall| is_named(stall, "hang") && stall.phase == Phase::Ended);
        let stats = watch.stats();
        assert_eq!(stats.stalls, 11);
        assert_eq!(stats.poll_times.at_least(Duration::from_millis(5)), 11);
    });
}

#[test]
fn hang_is_reported_while_another_thread_stalls() {
    within_deadline(|| {
        let reports = Reports::default();
        let builder = StallWatch::builder(Duration::from_millis(5)).reports_per_second(20);
        let watch = reports.listen(builder);
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            // This thread polls first, so it is checked first.
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    stall(&watch);
                }
            });
            eventually(|| watch.stats().suppressed > 0);
            watch.named("hang").run(|| {
                reports.wait_for(|stall| is_named(stall, "hang"));
            });
            over.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn burst_reports_every_blocked_thread() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let together = Barrier::new(20);
        thread::scope(|scope| {
            for number in 0..20 {
                let spot = watch.named(format!("thread {number}"));
                let (reports, together) = (&reports, &together);
                scope.spawn(move || {
                    spot.run(|| {
                        together.wait();
                        reports.wait_for_begun(20);
                    });
                });
            }
        });
        eventually(|| reports.count(Phase::Ended) == 20);
        let all = reports.all();
        for number in 0..20 {
            let name = format!("thread {number}");
            assert!(all.iter().any(|stall| is_named(stall, &name)));
        }
        assert_eq!(watch.stats().suppressed, 0);
    });
}

#[test]
fn explicit_limit_holds_for_any_number_of_threads() {
    within_deadline(|| {
        let reports = Reports::default();
        let watch = reports.listen(StallWatch::builder(THRESHOLD).reports_per_second(1));
        let begun = Instant::now();
        thread::scope(|scope| {
            for number in 0..3 {
                let spot = watch.named(format!("thread {number}"));
                let reports = &reports;
                scope.spawn(move || spot.run(|| reports.wait_for_begun(3)));
            }
        });
        // One at once, and one after each of two seconds.
        assert!(begun.elapsed() >= Duration::from_secs(2));
        assert!(watch.stats().suppressed >= 2);
    });
}

#[test]
fn stalls_are_counted_without_reports() {
    within_deadline(|| {
        let reports = Reports::default();
        let watch = reports.listen(StallWatch::builder(THRESHOLD).reports_per_second(0));
        stall(&watch);
        stall(&watch);
        let stats = watch.stats();
        assert_eq!((stats.stalls, stats.suppressed), (2, 2));
        assert_eq!(reports.all().len(), 0);
        eventually(|| watch.stats().ongoing == 0);
    });
}

#[test]
fn assert_none_names_the_location_of_a_stall() {
    within_deadline(|| {
        let watch = StallWatch::new(THRESHOLD).unwrap();
        block_on(watch.wrap(async {}));
        watch.assert_none();
        stall(&watch);
        let panic = catch_unwind(AssertUnwindSafe(|| watch.assert_none())).unwrap_err();
        let words = panic.downcast_ref::<String>().unwrap();
        assert!(
            words.contains("blocked 1 times") && words.contains("reports.rs:"),
            "{words}"
        );
    });
}

#[test]
fn panic_on_drop_does_not_panic_during_a_panic() {
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
fn fault_6_watch_dropped_by_its_callback_is_not_joined() {
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
fn stop_timeout_reports_a_running_callback() {
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
        // The watchdog ends and drops its callback, which holds the sender.
        eventually(|| matches!(inside.try_recv(), Err(mpsc::TryRecvError::Disconnected)));
    });
}

#[test]
fn too_short_threshold_is_refused() {
    for threshold in [Duration::ZERO, Duration::from_micros(999)] {
        let error = StallWatch::new(threshold).unwrap_err();
        assert!(matches!(error, BuildError::ThresholdTooShort(_)));
        let words = error.to_string();
        assert!(words.contains("1 ms") && !words.contains('\n'), "{words}");
        assert!(error.source().is_none());
    }
    let longest = StallWatch::new(Duration::MAX).unwrap();
    block_on(longest.wrap(async {}));
    longest.assert_none();
}

#[test]
fn public_types_are_send_and_sync() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<StallWatch>();
    crosses::<effective_stall_watch::Spot>();
    crosses::<effective_stall_watch::Stall>();
    crosses::<effective_stall_watch::Stats>();
    crosses::<BuildError>();
    crosses::<StillRunning>();
}
