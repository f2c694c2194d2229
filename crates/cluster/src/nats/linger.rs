//! [`linger`]: a short wait for another thread of this process.

use std::thread;
use std::time::{Duration, Instant};

/// How long another thread usually takes to wake up and to do something brief.
pub(super) const LINGER: Duration = Duration::from_micros(50);

/// Waits until `condition` holds, at most for [`LINGER`], and lets other threads run meanwhile.
///
/// Worth it only where another thread is about to answer: sleeping, and being woken by a system
/// call, would take as long. Where a caller sends jobs one by one, this is a third of the time that
/// this crate adds to the messages of a job.
pub(super) fn linger(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() && start.elapsed() < LINGER {
        thread::yield_now();
    }
}
