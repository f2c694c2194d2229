//! The replacement of `stack` on processors whose stacks cannot be walked.

use std::time::Duration;

use super::error::BacktraceError;
use super::trace::Trace;

pub(super) fn install() -> Result<(), BacktraceError> {
    Err(BacktraceError::Unsupported)
}

/// Never called, as no watch with backtraces can be built.
pub(super) fn trace_of(_: u32, _: Duration, _: impl FnOnce() -> bool) -> Option<Trace> {
    None
}
