//! The errors of readers and writers.

use std::io;

use crate::offload::error::OffloadError;
use crate::portal::error::CallError;

pub(super) fn offload_error(error: OffloadError) -> io::Error {
    io::Error::other(error)
}

pub(super) fn call_error(error: CallError) -> io::Error {
    let kind = match error {
        CallError::TimedOut { .. } => io::ErrorKind::TimedOut,
        CallError::WouldDeadlock(_) => io::ErrorKind::Deadlock,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// The error after the inner reader or writer was lost.
pub(super) fn lost() -> io::Error {
    io::Error::new(
        io::ErrorKind::BrokenPipe,
        "the inner reader or writer was lost in an earlier panic or shutdown: open it again",
    )
}

/// The error of a write after `close`.
pub(super) fn closed() -> io::Error {
    io::Error::new(
        io::ErrorKind::BrokenPipe,
        "the writer is closed: write before `close`",
    )
}
