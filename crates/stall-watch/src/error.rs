//! What can go wrong with a watch.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

/// Why there is no watch.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The threshold is shorter than a millisecond.
    ThresholdTooShort(Duration),
    /// The system refused the watchdog's thread.
    Thread(io::Error),
    /// Backtraces cannot be taken here.
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    Backtraces(crate::BacktraceError),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ThresholdTooShort(threshold) => write!(
                f,
                "a threshold of {threshold:?} is too short to be watched: take at least 1 ms"
            ),
            Self::Thread(error) => write!(
                f,
                "no thread for the watchdog: {error}; end some threads, or raise the limit on them"
            ),
            #[cfg(all(feature = "backtrace", target_os = "linux"))]
            Self::Backtraces(error) => error.fmt(f),
        }
    }
}

impl Error for BuildError {
    /// What lies behind the cause that the words name.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::ThresholdTooShort(_) => None,
            Self::Thread(error) => error.source(),
            #[cfg(all(feature = "backtrace", target_os = "linux"))]
            Self::Backtraces(error) => error.source(),
        }
    }
}

/// A watchdog was told to end, and its callback did not return in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning;

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the callback for stalls is still running: the watchdog ends when it returns; let it hand the report on \
             instead of waiting",
        )
    }
}

impl Error for StillRunning {}
