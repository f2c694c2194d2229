//! Test helpers of several crates: deadlines, polling, random numbers, and the figures of this
//! process.
#![allow(dead_code, reason = "each test program uses a part")]

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{env, fs, panic, thread};

/// Long enough for any machine: a test that still runs then hangs.
pub(crate) const LONG: Duration = Duration::from_secs(180);

/// Runs `test` on a thread of its own, and fails instead of hanging.
pub(crate) fn within_deadline<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    within(LONG, test)
}

/// Runs `test` on a thread of its own, and fails if it takes longer than `time`.
pub(crate) fn within<T: Send + 'static>(
    time: Duration,
    test: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (done, wait) = mpsc::channel();
    let thread = thread::spawn(move || {
        let value = test();
        // The receiver is gone only after the deadline.
        let _ = done.send(());
        value
    });
    match wait.recv_timeout(time) {
        Err(RecvTimeoutError::Timeout) => panic!("the test hangs"),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => thread
            .join()
            .unwrap_or_else(|payload| panic::resume_unwind(payload)),
    }
}

/// Waits until `condition` holds, and fails if it never does.
#[track_caller]
pub(crate) fn eventually(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG / 3, "the condition never held");
        thread::sleep(Duration::from_micros(200));
    }
}

/// The length of a soak, `SOAK_SECONDS`, by default 1 s.
pub(crate) fn soak_time() -> Duration {
    Duration::from_secs(env::var("SOAK_SECONDS").map_or(1, |text| {
        text.parse()
            .expect("SOAK_SECONDS is a number of seconds, such as 60")
    }))
}

/// The number of threads of this process, or 0 if the system does not report it.
pub(crate) fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Resident memory in KiB, or 0 if the system does not report it.
pub(crate) fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// A pseudo-random generator: xorshift64 (Marsaglia, "Xorshift RNGs", 2003).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
