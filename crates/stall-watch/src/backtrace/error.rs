//! The error when backtraces are unavailable.

use std::error::Error;
use std::fmt;
use std::io;

/// The reason why backtraces are unavailable.
#[derive(Debug)]
#[non_exhaustive]
pub enum BacktraceError {
    /// The processor is neither x86-64 nor AArch64.
    Unsupported,
    /// Every real-time signal is in use.
    NoSignal,
    /// The system refused the handler.
    Refused(io::Error),
}

impl fmt::Display for BacktraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => f.write_str(
                "no backtraces on this processor: they need x86-64 or AArch64; leave `backtraces` out",
            ),
            Self::NoSignal => f.write_str(
                "no backtraces: all real-time signals are in use; free one, or leave `backtraces` out",
            ),
            Self::Refused(error) => write!(
                f,
                "no backtraces: the system refuses a signal handler: {error}; leave `backtraces` out"
            ),
        }
    }
}

impl Error for BacktraceError {
    /// The source of the cause that the message names.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(error) => error.source(),
            Self::Unsupported | Self::NoSignal => None,
        }
    }
}
