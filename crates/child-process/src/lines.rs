//! Output line by line while the child runs.

use std::borrow::Cow;
use std::time::Instant;

use crate::drive::{self, Drive as _};
use crate::job::Job;

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
/// The last line of a stream may have had none. A line of more than a mebibyte comes in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// Where it was written to.
    pub stream: Stream,
    /// What was written.
    pub bytes: Vec<u8>,
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
    let (stream, bytes) = match job.stdout.line() {
        Some(bytes) => (Stream::Stdout, bytes),
        None => (Stream::Stderr, job.stderr.line()?),
    };
    Some(Line { stream, bytes })
}
