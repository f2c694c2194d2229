//! Where reports go, and what goes wrong there.

mod common;

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use common::{Heard, LONG, THRESHOLD, eventually, within_deadline};
use futures::executor::block_on;
use stall_watch::{BuildError, Phase, StallWatch, StillRunning};

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
    crosses::<stall_watch::Spot>();
    crosses::<stall_watch::Stall>();
    crosses::<stall_watch::Stats>();
    crosses::<BuildError>();
    crosses::<StillRunning>();
}
