//! The errors of commands, and their exit statuses.

use std::fmt;

use crate::text::{clean, clean_lines};

/// Why a command ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// It was called wrongly; the message says what to do instead. Exit status 2.
    Usage(String),
    /// It was called rightly and did not succeed. Exit status 1.
    Failed(String),
    /// The user ended it with Ctrl-C. Exit status 130.
    Interrupted,
}

impl Error {
    /// The exit status of the program.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Usage(_) => 2,
            Error::Failed(_) => 1,
            Error::Interrupted => 130,
        }
    }

    /// A failure of the operating system, with what was being done.
    pub(crate) fn io(doing: impl fmt::Display, error: &std::io::Error) -> Error {
        Error::Failed(format!("{doing}: {error}"))
    }
}

/// A usage error is always one line, even if an argument in it contains a line break, and never
/// sends an escape sequence to the terminal.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(message) => f.write_str(&one_line(message)),
            Error::Failed(message) => f.write_str(&clean_lines(message)),
            Error::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Error {}

/// The text with each run of white space and control characters made one space.
pub(crate) fn one_line(text: &str) -> String {
    text.split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .map(clean)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_error_is_one_line_whatever_went_into_it() {
        let error = Error::Usage("bad value `a\n\nb\u{1b}[31m`\r\n  for --tasks".to_string());
        assert_eq!(error.to_string(), "bad value `a b [31m` for --tasks");
    }

    #[test]
    fn an_error_shows_no_escape_or_format_characters() {
        let text = "a\u{202e}b\u{1b}[2Jc\n  d";
        let failed = Error::Failed(text.to_string()).to_string();
        assert_eq!(failed, "a\u{fffd}b\u{fffd}[2Jc\n  d");
        let usage = Error::Usage(text.to_string()).to_string();
        assert_eq!(usage, "a\u{fffd}b [2Jc d");
    }

    #[test]
    fn each_kind_has_its_exit_status() {
        assert_eq!(Error::Usage(String::new()).exit_code(), 2);
        assert_eq!(Error::Failed(String::new()).exit_code(), 1);
        assert_eq!(Error::Interrupted.exit_code(), 130);
    }
}
