//! Waits that fail instead of hanging, and counts of threads.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Runs `f`, and fails instead of hanging if it takes longer than it does on any machine.
pub(crate) fn within_deadline<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    within(Duration::from_secs(300), f)
}

/// Runs `f` on another thread, and fails if it takes longer than `time`.
pub(crate) fn within<T: Send + 'static>(
    time: Duration,
    f: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (done, wait) = mpsc::channel();
    let thread = thread::spawn(move || {
        let value = f();
        // The receiver is dropped only after the deadline.
        let _ = done.send(());
        value
    });
    match wait.recv_timeout(time) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        },
    }
}

/// Waits until `condition` holds, and fails if it does not within 30 s.
pub(crate) fn eventually(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "the condition never came to hold"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

/// How long a soak runs: `SOAK_SECONDS`, by default 1 s.
pub(crate) fn soak_time() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").map_or(1.0, |text| {
        text.parse().expect("SOAK_SECONDS is a number of seconds")
    });
    Duration::from_secs_f64(seconds)
}

/// The number of threads of this process whose name starts with `prefix`, which the system cuts at
/// 15 bytes.
pub(crate) fn threads_named(prefix: &str) -> usize {
    std::fs::read_dir("/proc/self/task")
        .expect("Linux lists the threads of a process")
        .filter_map(Result::ok)
        // The name of a thread that has just exited cannot be read.
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("comm")).ok())
        .filter(|name| name.starts_with(prefix))
        .count()
}

/// The CPU time of all threads of this process so far, as counted by the scheduler.
pub(crate) fn cpu_time() -> Duration {
    let nanoseconds = std::fs::read_dir("/proc/self/task")
        .expect("Linux lists the threads of a process")
        .filter_map(Result::ok)
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|line| line.split(' ').next()?.parse::<u64>().ok())
        .sum();
    Duration::from_nanos(nanoseconds)
}
