//! The idle watchdog. In a test program of its own, since it measures the whole process.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::thread;
use std::time::Duration;

use effective_stall_watch::StallWatch;
use futures::executor::block_on;
use support::{THRESHOLD, within_deadline};

/// How often a thread of this process has gone to sleep.
fn sleeps(name: &str) -> u64 {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let threads = threads.filter_map(Result::ok).map(|entry| entry.path());
    let mut named = threads.filter(|thread| {
        fs::read_to_string(thread.join("comm")).is_ok_and(|found| found.trim() == name)
    });
    let status = fs::read_to_string(named.next().unwrap().join("status")).unwrap();
    let mut lines = status.lines();
    let line = lines.find(|line| line.starts_with("voluntary_ctxt_switches"));
    line.unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn idle_watchdog_sleeps_until_the_next_poll() {
    within_deadline(|| {
        let watch = StallWatch::new(THRESHOLD).unwrap();
        #[cfg(feature = "tokio")]
        let runtime = support::two_workers(&watch);
        #[cfg(feature = "tokio")]
        let _watched = watch.runtime(runtime.handle().clone());
        for _ in 0..2 {
            block_on(watch.wrap(async {}));
            // Long enough for the watchdog to doze.
            thread::sleep(20 * THRESHOLD);
            let before = sleeps("stall-watch");
            thread::sleep(Duration::from_secs(2));
            let woken = sleeps("stall-watch") - before;
            // It checks 100 times a second while there is activity.
            assert!(woken <= 10, "woken {woken} times in 2 s without activity");
        }
        let before = sleeps("stall-watch");
        block_on(watch.wrap(async { thread::sleep(6 * THRESHOLD) }));
        assert!(
            sleeps("stall-watch") - before >= 5,
            "the poll did not wake the watchdog"
        );
        assert_eq!(watch.stats().stalls, 1);
    });
}
