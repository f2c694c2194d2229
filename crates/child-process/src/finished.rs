//! The result of a child that has ended.

use std::fmt::Write as _;
use std::process::ExitStatus;
use std::time::Duration;

/// The result of a child: how it ended and what was captured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finished {
    /// The command line, quoted as for a shell. For display, not for execution.
    pub command: String,
    /// How the child itself ended.
    pub status: ExitStatus,
    /// The captured standard output; both streams if they were merged.
    pub stdout: Vec<u8>,
    /// The captured standard error.
    pub stderr: Vec<u8>,
    /// The number of bytes of standard output beyond the limit, which were discarded.
    pub stdout_dropped: u64,
    /// The number of bytes of standard error beyond the limit, which were discarded.
    pub stderr_dropped: u64,
    /// Whether another process still held the output open when the [drain
    /// time](crate::Command::drain) after the child's end was over. Anything that process writes
    /// later is missing here.
    pub leaked: bool,
    /// The time from the start of the child until this result was complete.
    pub took: Duration,
}

impl Finished {
    /// Whether the child exited with status 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// The last lines of standard error, joined into one line; empty if there are none.
    pub(crate) fn stderr_tail(&self) -> String {
        const LINES: usize = 3;
        const CHARS: usize = 300;
        // A line of a log may be megabytes long, so look at the end only.
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
