//! The errors of a watch.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

#[cfg(all(feature = "backtrace", target_os = "linux"))]
use crate::backtrace::error::BacktraceError;

/// The reason why a watch could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The threshold is shorter than a millisecond.
    ThresholdTooShort(Duration),
    /// The system refused the watchdog's thread.
    Spawn(io::Error),
    /// Backtraces are unavailable.
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    Backtraces(BacktraceError),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ThresholdTooShort(threshold) => write!(
                f,
                "a threshold of {threshold:?} is too short: it must be at least 1 ms"
            ),
            Self::Spawn(error) => write!(
                f,
                "the system refused the watchdog's thread ({error}): end other threads, or raise \
                 their limit"
            ),
            #[cfg(all(feature = "backtrace", target_os = "linux"))]
            Self::Backtraces(error) => error.fmt(f),
        }
    }
}

impl Error for BuildError {
    /// The source of the cause, which the message includes.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::ThresholdTooShort(_) => None,
            Self::Spawn(error) => error.source(),
            #[cfg(all(feature = "backtrace", target_os = "linux"))]
            Self::Backtraces(error) => error.source(),
        }
    }
}

/// A watchdog was stopped, but its callback did not return in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning;

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the `on_stall` callback is still running, and the watchdog ends when it returns: let \
             the callback pass the report on instead of waiting",
        )
    }
}

impl Error for StillRunning {}
