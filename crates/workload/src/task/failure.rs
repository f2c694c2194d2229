//! The failure of a task.

use std::fmt;

/// The reason why a task has no output.
///
/// It is a boxed text, so that an [`Output`] is two words long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(Box<str>);

impl Failure {
    /// A failure with this message, of which only the first line is kept.
    pub fn new(words: impl fmt::Display) -> Failure {
        Failure(words.to_string().lines().next().unwrap_or_default().into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// The value of a task, or its failure.
pub type Output = Result<u64, Failure>;
