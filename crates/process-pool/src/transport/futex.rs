//! Sleeping on a bell, and waking whoever sleeps on it, across processes.

use std::time::Duration;

use rustix::fs::Timespec;
use rustix::thread::futex;

use super::bell::Bell;

/// Sleeps while the bell is armed, for at most so long. It may return early.
pub(crate) fn sleep(bell: &Bell, timeout: Option<Duration>) {
    let (word, armed) = bell.word();
    let timeout = timeout.and_then(|time| Timespec::try_from(time).ok());
    // Interrupted, no longer armed, out of time: in each case the caller looks for itself.
    let _ = futex::wait(word, futex::Flags::empty(), armed, timeout.as_ref());
}

/// Wakes all that sleep on the bell.
pub(crate) fn wake(bell: &Bell) {
    let (word, _) = bell.word();
    // It only fails for a word that is none.
    let _ = futex::wake(word, futex::Flags::empty(), i32::MAX as u32);
}
