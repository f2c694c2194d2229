//! Alone in its program, since it measures the CPU time of all of it.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::thread;
use std::time::Duration;

use common::{THRESHOLD, within_deadline};
use effective_stall_watch::StallWatch;
use futures::executor::block_on;

/// Times that a thread of this process let the CPU go by itself: how often it woke, and went to sleep again.
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
fn while_nobody_polls_the_watchdog_sleeps_and_the_next_poll_wakes_it() {
    within_deadline(|| {
        let watch = StallWatch::new(THRESHOLD).unwrap();
        #[cfg(feature = "tokio")]
        let runtime = watch
            .configure(&mut tokio::runtime::Builder::new_multi_thread())
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        #[cfg(feature = "tokio")]
        let _watched = watch.runtime(runtime.handle().clone());
        for _ in 0..2 {
            block_on(watch.wrap(async {}));
            // As long as it takes to find that nothing happens any more.
            thread::sleep(20 * THRESHOLD);
            let before = sleeps("stall-watch");
            thread::sleep(Duration::from_secs(2));
            let woken = sleeps("stall-watch") - before;
            // It looks 100 times a second when there is something to see.
            assert!(woken <= 10, "woken {woken} times in 2 s of idling");
        }
        let before = sleeps("stall-watch");
        block_on(watch.wrap(async { thread::sleep(6 * THRESHOLD) }));
        assert!(sleeps("stall-watch") - before >= 5, "it was not woken");
        assert_eq!(watch.stats().stalls, 1);
    });
}
