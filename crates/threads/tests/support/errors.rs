//! An error with a source, and all messages of a chain of errors.

use std::error::Error;
use std::fmt;

/// All messages that a report of the whole chain prints.
pub(crate) fn chain(error: &dyn Error) -> Vec<String> {
    let sources = std::iter::successors(Some(error), |&error| error.source());
    sources.map(ToString::to_string).collect()
}

/// The message is "no answer", the source [`fmt::Error`].
#[derive(Debug)]
pub(crate) struct Outer;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&fmt::Error)
    }
}

/// The message of the source of [`Outer`].
pub(crate) fn source_of_outer() -> String {
    fmt::Error.to_string()
}
