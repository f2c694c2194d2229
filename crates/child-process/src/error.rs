//! The errors of this crate.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::str::Utf8Error;
use std::time::Duration;

use crate::finished::Finished;

/// Why a command has no result, or not the expected one.
///
/// An exit status other than 0 is an error only for [`Finished::check`] and
/// [`Command::read`](crate::Command::read).
///
/// # Display and source
/// `Display` is one line and includes the message of the underlying error.
/// [`source`](StdError::source) therefore skips that error and returns *its* source, so a report of
/// the whole chain repeats nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The child could not be started.
    Start {
        /// The command line.
        command: String,
        /// Advice, if there is any; else empty.
        hint: &'static str,
        /// The error of the system.
        error: io::Error,
    },
    /// The time limit passed, and the whole tree was ended.
    TimedOut {
        /// The time limit.
        limit: Duration,
        /// The result, with the output captured so far. Its status shows how the child was ended,
        /// usually by a signal.
        finished: Box<Finished>,
    },
    /// The child wrote more than allowed, and the whole tree was ended.
    TooMuchOutput {
        /// The limit for one stream, in bytes.
        cap: usize,
        /// The result, with the output up to the limit.
        finished: Box<Finished>,
    },
    /// The child was ended by a signal, or its exit status was not 0.
    Failed(Box<Finished>),
    /// The output is not UTF-8.
    NotText {
        /// The command line.
        command: String,
        /// "standard output" or "standard error".
        stream: &'static str,
        /// Where the output is not UTF-8.
        error: Utf8Error,
    },
    /// The deadline of the list passed before the child was started.
    NotStarted {
        /// The command line.
        command: String,
    },
    /// The child was not started because another stage of its pipeline failed to start. That stage
    /// has the cause.
    Skipped {
        /// The command line.
        command: String,
    },
    /// The child has closed its standard input, or has none to write to.
    StdinClosed {
        /// The command line.
        command: String,
    },
    /// The system refused the descriptor or the thread needed to watch the child. If the child was
    /// already running, it was killed at once.
    Watch {
        /// The command line.
        command: String,
        /// The error of the system.
        error: io::Error,
    },
    /// The child has ended, but other code in this program reaped it and has its status.
    StatusLost {
        /// The command line.
        command: String,
        /// The captured standard output.
        stdout: Vec<u8>,
        /// The captured standard error.
        stderr: Vec<u8>,
        /// The error of the system.
        error: io::Error,
    },
    /// The child got `SIGKILL` and does not end: it hangs inside the kernel, or belongs to another
    /// user now.
    Stuck {
        /// The command line.
        command: String,
        /// The process id.
        id: u32,
        /// The captured standard output.
        stdout: Vec<u8>,
        /// The captured standard error.
        stderr: Vec<u8>,
    },
    /// The result has been returned before.
    Collected {
        /// The command line.
        command: String,
    },
}

impl Error {
    /// The result of the child, if the error contains one.
    pub fn finished(&self) -> Option<&Finished> {
        match self {
            Self::TimedOut { finished, .. }
            | Self::TooMuchOutput { finished, .. }
            | Self::Failed(finished) => Some(finished),
            _ => None,
        }
    }

    /// Takes the result of the child out of the error, if it contains one.
    pub fn into_finished(self) -> Option<Finished> {
        match self {
            Self::TimedOut { finished, .. }
            | Self::TooMuchOutput { finished, .. }
            | Self::Failed(finished) => Some(*finished),
            _ => None,
        }
    }

    /// Whether a time limit or a deadline passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::NotStarted { .. })
    }

    /// The command line of the child.
    fn command(&self) -> &str {
        match self {
            Self::TimedOut { finished, .. }
            | Self::TooMuchOutput { finished, .. }
            | Self::Failed(finished) => &finished.command,
            Self::Start { command, .. }
            | Self::NotText { command, .. }
            | Self::NotStarted { command }
            | Self::Skipped { command }
            | Self::StdinClosed { command }
            | Self::Watch { command, .. }
            | Self::StatusLost { command, .. }
            | Self::Stuck { command, .. }
            | Self::Collected { command } => command,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", Shortened(self.command()))?;
        match self {
            Self::Start {
                hint: "", error, ..
            } => write!(f, "cannot be started ({error})"),
            Self::Start { hint, error, .. } => write!(f, "cannot be started ({error}): {hint}"),
            Self::TimedOut { limit, finished } => {
                write!(f, "timed out after {limit:?}, and its whole tree was ended")?;
                write_tail(f, finished)
            }
            Self::TooMuchOutput { cap, .. } => write!(
                f,
                "wrote more than {cap} bytes, and its whole tree was ended: raise the limit, or \
                 truncate the output"
            ),
            Self::Failed(finished) => {
                write!(f, "{}", finished.status)?;
                write_tail(f, finished)
            }
            Self::NotText { stream, error, .. } => {
                write!(f, "its {stream} is not text ({error}): use the bytes")
            }
            Self::NotStarted { .. } => f.write_str(
                "not started before the deadline: allow more time, or more children at once",
            ),
            Self::Skipped { .. } => f.write_str(
                "not started because another stage of its pipeline failed to start: see the error \
                 of that stage",
            ),
            Self::StdinClosed { .. } => f.write_str(
                "its standard input is closed: the child closed it or ended, or was started \
                 without `Input::Pipe`",
            ),
            Self::Watch { error, .. } => {
                write!(f, "cannot be watched ({error}): {}", watch_hint(error))
            }
            Self::StatusLost { error, .. } => write!(
                f,
                "ended, but its status is lost ({error}): no other code in the program may wait \
                 for all children or ignore SIGCHLD"
            ),
            Self::Stuck { id, .. } => write!(
                f,
                "process {id} got SIGKILL and does not end: it hangs in the kernel, on a disk or a \
                 network mount, or belongs to another user, as with sudo: inspect it with ps"
            ),
            Self::Collected { .. } => {
                f.write_str("its result has been returned already: keep the first one")
            }
        }
    }
}

fn watch_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::Unsupported => {
            "this needs Linux 5.4 or later, and a sandbox that allows pidfd_open"
        }
        io::ErrorKind::Other => "wait for it on the thread, or before the fork",
        _ => "run fewer at once, or raise the limits of open files and threads",
    }
}

fn write_tail(f: &mut fmt::Formatter<'_>, finished: &Finished) -> fmt::Result {
    let tail = finished.stderr_tail();
    if tail.is_empty() {
        return Ok(());
    }
    write!(f, "; its standard error ends with: {tail}")
}

/// The beginning of a command line, which may be megabytes long.
struct Shortened<'a>(&'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHARS_MAX: usize = 200;
        match self.0.char_indices().nth(CHARS_MAX) {
            Some((end, _)) => write!(f, "{}…", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Start { error, .. }
            | Self::Watch { error, .. }
            | Self::StatusLost { error, .. } => error.source(),
            _ => None,
        }
    }
}

/// The timeout passed before a child ended:
/// [`AsCompleted::next_timeout`](crate::AsCompleted::next_timeout).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out before a child ended: call again, no result is lost")
    }
}

impl StdError for TimedOut {}
