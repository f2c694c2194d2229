//! The exit of the watchdog's thread. In a test program of its own, since it counts all threads.
#![cfg(target_os = "linux")]

mod support;

use std::thread;
use std::time::Duration;

use effective_stall_watch::StallWatch;
use futures::executor::block_on;
use support::proc::live_threads;
use support::{eventually, within_deadline};

#[test]
fn dropped_watches_leave_no_thread() {
    within_deadline(|| {
        let before = live_threads();
        for round in 0..300 {
            let watch = StallWatch::new(Duration::from_millis(1)).unwrap();
            assert_eq!(live_threads(), before + 1);
            match round % 3 {
                0 => block_on(watch.wrap(async {})),
                1 => block_on(watch.wrap(async { thread::sleep(Duration::from_millis(2)) })),
                _ => {}
            }
            if round % 2 == 0 {
                drop(watch);
            } else {
                watch.stop_timeout(Duration::from_secs(60)).unwrap();
            }
            eventually(|| live_threads() == before);
        }
    });
}
