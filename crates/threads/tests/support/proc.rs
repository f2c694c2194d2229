//! The threads and the memory of this process, as `/proc` reports them.
#![allow(dead_code, reason = "a test may need one of these")]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) fn live_threads() -> usize {
    fs::read_dir("/proc/self/task")
        .expect("Linux lists the threads of a process")
        .count()
}

/// Waits until at most `count` threads are left: the kernel lists a joined thread for a moment.
#[track_caller]
pub(crate) fn wait_for_threads(count: usize) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while live_threads() > count {
        assert!(Instant::now() < deadline, "threads are left");
        thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux reports the memory");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|kib| kib.parse().ok()).expect("a number")
}
