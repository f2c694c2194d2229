//! The lines of a running child's output.

use std::borrow::Cow;
use std::time::Instant;

use crate::event_loop::{self, Drive as _};
use crate::monitor::output_reader::Piece;
use crate::monitor::state::Monitor;

/// An output stream of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output, and standard error if it is merged.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line of output without its line feed.
///
/// Only a line feed ends a line, and a carriage return is part of it: `"10%\r20%\n"` is one line,
/// and a line that ended with CR LF still ends with CR. The last line of a stream may lack a line
/// feed.
///
/// A line longer than a mebibyte arrives in pieces of about that size; all but the last have
/// [`continues`](Self::continues) set. A piece ends at the boundary of a UTF-8 character.
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
    /// The stream that it was written to.
    pub stream: Stream,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether this is a piece of a long line that continues in the next piece of the same stream.
    pub continues: bool,
}

impl Line {
    /// The line as text; invalid UTF-8 is replaced by U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// An iterator over the lines of a child: [`Child::lines`](crate::Child::lines).
#[derive(Debug)]
pub struct Lines<'a> {
    monitor: &'a mut Monitor,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(monitor: &'a mut Monitor) -> Self {
        Self { monitor }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    /// Waits for the next line.
    fn next(&mut self) -> Option<Line> {
        next_line(self.monitor, None)
    }
}

/// Waits for the next line until `deadline`. `None` if none has arrived, or the child is over.
pub(crate) fn next_line(monitor: &mut Monitor, deadline: Option<Instant>) -> Option<Line> {
    monitor.read_by_lines();
    let mut found = None;
    event_loop::until(monitor, deadline, |monitor| {
        found = ready_line(monitor);
        found.is_some() || monitor.over()
    });
    found
}

fn ready_line(monitor: &mut Monitor) -> Option<Line> {
    let (stream, piece) = match monitor.stdout.line() {
        Some(piece) => (Stream::Stdout, piece),
        None => (Stream::Stderr, monitor.stderr.line()?),
    };
    let Piece { bytes, continues } = piece;
    Some(Line {
        stream,
        bytes,
        continues,
    })
}
