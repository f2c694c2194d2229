//! Hard deadlines: a test that hangs fails.
#![allow(dead_code, reason = "a test may need one of these")]

use std::panic::resume_unwind;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any test takes on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `body` on another thread, and fails if it does not return.
pub(crate) fn in_time<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (sender, result) = mpsc::channel();
    let thread = thread::spawn(move || {
        let _ = sender.send(body());
    });
    match result.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("the test hangs"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Ok(()) => unreachable!("the body ended without a result"),
            Err(payload) => resume_unwind(payload),
        },
    }
}

/// Waits until another thread has made `holds` true.
#[track_caller]
pub(crate) fn until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "the condition never holds");
        thread::sleep(Duration::from_micros(100));
    }
}
