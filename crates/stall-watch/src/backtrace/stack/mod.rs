//! Backtraces of other threads: a signal, a snapshot, and a walk on the calling thread.

mod live;
mod modules;
mod registers;
mod signal;
mod snapshot;
mod system;
mod tables;
mod unwind;

use std::cell::RefCell;
use std::time::Duration;

use super::error::BacktraceError;
use super::trace::Trace;
use modules::Modules;

thread_local! {
    /// The loaded objects, per watchdog thread: a lock could be held for good in the child of a
    /// fork.
    static MODULES: RefCell<Modules> = RefCell::default();
}

pub(in crate::backtrace) fn install() -> Result<(), BacktraceError> {
    signal::install()
}

/// The frames of a thread of this process, if it answers in time. Its stack is walked only if
/// `keep` returns `true` after the thread has answered.
pub(in crate::backtrace) fn trace_of(
    thread: u32,
    timeout: Duration,
    keep: impl FnOnce() -> bool,
) -> Option<Trace> {
    let snapshot = signal::snapshot_of(thread, timeout)?;
    if !keep() {
        return None;
    }
    MODULES.with_borrow_mut(|modules| {
        modules.refresh();
        Some(unwind::walk(modules, &snapshot))
    })
}
