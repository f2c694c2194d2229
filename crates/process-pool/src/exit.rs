//! [`Exit`]: the end of a process.

use std::fmt;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// Another part of this program collected its status (with `waitpid(-1)`, or by ignoring
    /// `SIGCHLD`).
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => match name(*signal) {
                Some(name) => write!(f, "was ended by signal {signal} ({name})"),
                None => write!(f, "was ended by signal {signal}"),
            },
            Self::Unknown => {
                f.write_str("ended, and something else in this program collected its status")
            }
        }
    }
}

/// The names of signals that end processes, by their numbers on Linux. Signals whose numbers differ
/// between architectures are left out.
fn name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_named() {
        assert_eq!(
            Exit::Signal(9).to_string(),
            "was ended by signal 9 (SIGKILL)"
        );
        assert_eq!(Exit::Signal(40).to_string(), "was ended by signal 40");
        assert_eq!(Exit::Code(0).to_string(), "exited with code 0");
    }
}
