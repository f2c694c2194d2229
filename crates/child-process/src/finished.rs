//! What is left of a child when it is over.

use std::fmt::Write as _;
use std::process::ExitStatus;
use std::str;
use std::time::Duration;

use crate::Error;

/// A child that is over: how it ended and what was captured of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finished {
    /// The command line, quoted as for a shell. For people to read, not to be run.
    pub command: String,
    /// How the child itself ended.
    pub status: ExitStatus,
    /// What was captured of its standard output; of both, if they were merged.
    pub stdout: Vec<u8>,
    /// What was captured of its standard error.
    pub stderr: Vec<u8>,
    /// How many bytes of standard output came after the cap and were thrown away.
    pub stdout_dropped: u64,
    /// How many bytes of standard error came after the cap and were thrown away.
    pub stderr_dropped: u64,
    /// The child had ended, but something else still held its output when the [drain
    /// time](crate::Command::drain) was over. What it writes from then on is not here.
    pub leaked: bool,
    /// From the start of the child until all of this was known.
    pub took: Duration,
}

impl Finished {
    /// Whether it exited with status 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// Itself if it exited with status 0.
    ///
    /// # Errors
    /// [`Error::Failed`] with all of it otherwise.
    ///
    /// ```
    /// let error = effective_child_process::Command::new("sh")
    ///     .args(["-c", "echo no such host >&2; exit 7"])
    ///     .run()?
    ///     .check()
    ///     .unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "sh -c 'echo no such host >&2; exit 7': exit status: 7; its standard error ends with: no such host",
    /// );
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn check(self) -> Result<Self, Error> {
        if self.success() {
            Ok(self)
        } else {
            Err(Error::Failed(Box::new(self)))
        }
    }

    /// Its standard output as text.
    ///
    /// # Errors
    /// [`Error::NotText`] when it is not UTF-8. [`String::from_utf8_lossy`] takes anything.
    pub fn stdout_text(&self) -> Result<&str, Error> {
        self.text("standard output", &self.stdout)
    }

    /// Its standard error as text.
    ///
    /// # Errors
    /// [`Error::NotText`] when it is not UTF-8. [`String::from_utf8_lossy`] takes anything.
    pub fn stderr_text(&self) -> Result<&str, Error> {
        self.text("standard error", &self.stderr)
    }

    fn text<'a>(&self, what: &'static str, bytes: &'a [u8]) -> Result<&'a str, Error> {
        str::from_utf8(bytes).map_err(|error| Error::NotText {
            command: self.command.clone(),
            what,
            error,
        })
    }

    /// The last lines of standard error as one line; empty if there are none.
    pub(crate) fn stderr_tail(&self) -> String {
        const LINES: usize = 3;
        const CHARS: usize = 300;
        // A line of a log may be megabytes; only its end is looked at.
        let end = &self.stderr[self.stderr.len().saturating_sub(16 * CHARS)..];
        let text = String::from_utf8_lossy(end);
        let mut lines: Vec<&str> = text
            .lines()
            .rev()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .take(LINES)
            .collect();
        lines.reverse();
        let joined = lines.join(" / ");
        let surplus = joined.chars().count().saturating_sub(CHARS);
        let mut tail = String::new();
        if surplus > 0 {
            tail.push('…');
        }
        for character in joined.chars().skip(surplus) {
            if character.is_control() {
                let _ = write!(tail, "{}", character.escape_default());
            } else {
                tail.push(character);
            }
        }
        tail
    }
}
