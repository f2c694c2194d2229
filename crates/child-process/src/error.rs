use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::str::Utf8Error;
use std::time::Duration;

use crate::Finished;

/// Why there is no result, or not the one that was wanted.
///
/// An exit status other than 0 is an error only where it is asked for: [`Finished::check`],
/// [`Command::read`](crate::Command::read).
///
/// # Display and source
/// `Display` says it all in one line, the words of the cause included. [`source`](StdError::source) is therefore not that
/// cause but what lies behind it, so that a report of the whole chain says nothing twice.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The child could not be started.
    Start {
        /// The command line.
        command: String,
        /// What to do, where that is known.
        hint: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// The time was up; the whole tree was ended. What was captured until then is here.
    TimedOut {
        /// The time that it had.
        limit: Duration,
        /// What became of it. The status is how the *ending* went: mostly a signal.
        finished: Box<Finished>,
    },
    /// It wrote more than it may; the whole tree was ended.
    TooMuchOutput {
        /// The most it may write to one stream, in bytes.
        cap: usize,
        /// What became of it, with the output up to the cap.
        finished: Box<Finished>,
    },
    /// It ended with a signal or an exit status other than 0.
    Failed(Box<Finished>),
    /// What it wrote is not UTF-8.
    NotText {
        /// The command line.
        command: String,
        /// Standard output or standard error.
        what: &'static str,
        /// Where it is not.
        error: Utf8Error,
    },
    /// The deadline of all passed before this one could be started.
    NotStarted {
        /// The command line.
        command: String,
    },
    /// It was not started because another stage of its pipeline could not be; the cause is with that one.
    Skipped {
        /// The command line.
        command: String,
    },
    /// It has closed its standard input, or has none that can be written to.
    StdinClosed {
        /// The command line.
        command: String,
    },
    /// The system has no descriptor or no thread left to watch it with. If it was started it was ended at once.
    Watch {
        /// The command line.
        command: String,
        /// What the system said.
        error: io::Error,
    },
    /// It ended, and its status is lost: something else in this program reaped it.
    StatusLost {
        /// The command line.
        command: String,
        /// What was captured of its standard output.
        stdout: Vec<u8>,
        /// What was captured of its standard error.
        stderr: Vec<u8>,
        /// What the system said.
        error: io::Error,
    },
    /// It was sent `SIGKILL` and does not end: it hangs inside the kernel, or has become another user's.
    Stuck {
        /// The command line.
        command: String,
        /// Its number.
        id: u32,
        /// What was captured of its standard output.
        stdout: Vec<u8>,
        /// What was captured of its standard error.
        stderr: Vec<u8>,
    },
    /// What was to be waited for has been collected before.
    Collected {
        /// The command line.
        command: String,
    },
}

impl Error {
    /// The child as far as it got, where it got anywhere.
    pub fn finished(&self) -> Option<&Finished> {
        match self {
            Self::TimedOut { finished, .. }
            | Self::TooMuchOutput { finished, .. }
            | Self::Failed(finished) => Some(finished),
            _ => None,
        }
    }

    /// The same, taken out.
    pub fn into_finished(self) -> Option<Finished> {
        match self {
            Self::TimedOut { finished, .. }
            | Self::TooMuchOutput { finished, .. }
            | Self::Failed(finished) => Some(*finished),
            _ => None,
        }
    }

    /// Whether the time was up.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::NotStarted { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start {
                command,
                hint,
                error,
            } => {
                write!(f, "{}: cannot be started ({error})", Short(command))?;
                if hint.is_empty() {
                    Ok(())
                } else {
                    write!(f, ": {hint}")
                }
            }
            Self::TimedOut { limit, finished } => {
                let name = Short(&finished.command);
                write!(
                    f,
                    "{name}: not done after {limit:?}, and ended with all it started"
                )?;
                tail(f, finished)
            }
            Self::TooMuchOutput { cap, finished } => {
                let name = Short(&finished.command);
                write!(
                    f,
                    "{name}: wrote more than {cap} bytes, and was ended with all it started: allow more, or truncate"
                )
            }
            Self::Failed(finished) => {
                write!(f, "{}: {}", Short(&finished.command), finished.status)?;
                tail(f, finished)
            }
            Self::NotText {
                command,
                what,
                error,
            } => write!(
                f,
                "{}: its {what} is not text ({error}): take the bytes",
                Short(command)
            ),
            Self::NotStarted { command } => write!(
                f,
                "{}: the time was up before it could be started: allow more time, or more at once",
                Short(command)
            ),
            Self::Skipped { command } => write!(
                f,
                "{}: not started, since another stage of its pipeline could not be: see the error of that one",
                Short(command)
            ),
            Self::StdinClosed { command } => write!(
                f,
                "{}: its standard input is closed: it ended or closed it, or was started without `Input::Pipe`",
                Short(command)
            ),
            Self::Watch { command, error } => write!(
                f,
                "{}: cannot be watched ({error}): {}",
                Short(command),
                match error.kind() {
                    io::ErrorKind::Unsupported => {
                        "this needs Linux 5.4 or later, and a sandbox that allows pidfd_open"
                    }
                    io::ErrorKind::Other => "wait for it on the thread, or before the fork",
                    _ => "run fewer at once, or raise the limits of open files and threads",
                }
            ),
            Self::StatusLost { command, error, .. } => write!(
                f,
                "{}: ended, but its status is lost ({error}): let nothing else in the program wait for every child, nor ignore SIGCHLD",
                Short(command)
            ),
            Self::Stuck { command, id, .. } => write!(
                f,
                "{}: process {id} got SIGKILL and does not end: it hangs in the kernel, on a disk or a network mount, or it is another user's, as with sudo: look at it with ps",
                Short(command)
            ),
            Self::Collected { command } => write!(
                f,
                "{}: its result has been handed out already: keep the first one",
                Short(command)
            ),
        }
    }
}

fn tail(f: &mut fmt::Formatter<'_>, finished: &Finished) -> fmt::Result {
    let tail = finished.stderr_tail();
    if tail.is_empty() {
        return Ok(());
    }
    write!(f, "; its standard error ends with: {tail}")
}

/// A command line that may be megabytes long, for a message.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 200;
        match self.0.char_indices().nth(MOST) {
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

/// No child was over within the time given: [`AsCompleted::next_timeout`](crate::AsCompleted::next_timeout).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeUp;

impl fmt::Display for TimeUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no child was over within the time given: ask again, nothing is lost")
    }
}

impl StdError for TimeUp {}
