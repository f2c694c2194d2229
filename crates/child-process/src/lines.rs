//! Output line by line while the child runs.

use std::borrow::Cow;
use std::time::Instant;

use crate::drive::{self, Drive as _};
use crate::job::{Job, Piece};

/// Which output of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output, and standard error where it is merged.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line of output, without its end.
///
/// A line ends with a line feed, which is not part of it. A carriage return is: `"10%\r20%\n"` is one
/// line, and one that ended with CR LF still ends with CR. The last line of a stream may have had no
/// end.
///
/// A line of more than a mebibyte comes in pieces of about that size, of which each but the last
/// [continues](Self::continues). A piece ends where a character of UTF-8 does.
///
/// ```
/// use effective_child_process::Command;
///
/// let (mut whole, mut lengths) = (Vec::new(), Vec::new());
/// Command::new("head").args(["-c", "3000000", "/dev/zero"]).run_lines(|line| {
///     whole.extend(line.bytes);
///     if !line.continues {
///         lengths.push(whole.len());
///         whole.clear();
///     }
/// })?;
/// assert_eq!(lengths, [3_000_000]);
/// # Ok::<(), effective_child_process::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// Where it was written to.
    pub stream: Stream,
    /// What was written.
    pub bytes: Vec<u8>,
    /// This is a piece of a long line, which goes on in the next piece of the same stream.
    pub continues: bool,
}

impl Line {
    /// The line as text; what is not UTF-8 is replaced by U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// The lines of a child: [`Child::lines`](crate::Child::lines).
#[derive(Debug)]
pub struct Lines<'a> {
    job: &'a mut Job,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(job: &'a mut Job) -> Self {
        Self { job }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    /// Waits for the next line.
    fn next(&mut self) -> Option<Line> {
        next_line(self.job, None)
    }
}

/// The next line; `None` if there is none by then, or never will be.
pub(crate) fn next_line(job: &mut Job, time: Option<Instant>) -> Option<Line> {
    job.hand_out();
    let mut found = None;
    drive::until(job, time, |job| {
        found = ready_line(job);
        found.is_some() || job.over()
    });
    found
}

fn ready_line(job: &mut Job) -> Option<Line> {
    let (stream, piece) = match job.stdout.line() {
        Some(piece) => (Stream::Stdout, piece),
        None => (Stream::Stderr, job.stderr.line()?),
    };
    let Piece { bytes, continues } = piece;
    Some(Line {
        stream,
        bytes,
        continues,
    })
}
