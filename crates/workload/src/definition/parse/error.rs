//! The one-line error about a definition: where it is wrong, how, and what to do.

use std::fmt;
use std::ops::Range;

/// The reason why a workload file was refused.
///
/// Displays as one line, whatever the file contains: `FILE:LINE:COLUMN: what is wrong; what to do`.
/// Lines and columns count from 1, columns in characters. An error about the whole file is
/// `FILE: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionError {
    file: String,
    place: Option<(usize, usize)>,
    problem: String,
    remedy: String,
}

impl DefinitionError {
    /// An error about the file as a whole.
    pub(super) fn whole_file(
        file: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> DefinitionError {
        DefinitionError {
            file: file.to_owned(),
            place: None,
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// An error at this line and column, which count from 1.
    pub(super) fn at(
        file: &str,
        place: (usize, usize),
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> DefinitionError {
        DefinitionError {
            file: file.to_owned(),
            place: Some(place),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self
            .place
            .map(|(line, column)| format!(":{line}:{column}"))
            .unwrap_or_default();
        let line = format!("{}{place}: {}; {}", self.file, self.problem, self.remedy);
        f.write_str(&on_one_line(&line))
    }
}

impl std::error::Error for DefinitionError {}

/// The text of a definition, and the name its errors give it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl<'a> Source<'a> {
    /// An error at the start of this span.
    pub(super) fn error(
        &self,
        span: Range<usize>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> DefinitionError {
        let place = line_and_column(self.text, span.start);
        DefinitionError::at(self.file, place, problem, remedy)
    }

    /// The text of this span, shortened to fit a message.
    pub(super) fn quote(&self, span: Range<usize>) -> String {
        shorten(self.text.get(span).unwrap_or_default())
    }
}

/// The start of a text, up to the end of its first line or a limit.
pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    let cut = text
        .char_indices()
        .enumerate()
        .find(|(count, (_, c))| *count == MOST || matches!(c, '\n' | '\r'));
    match cut {
        Some((_, (at, _))) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// Escapes characters that would break the line or control a terminal: names and quoted text come
/// from outside.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_from_one_in_characters() {
        let text = "ab\nçde\r\nf";
        for (offset, place) in [
            (0, (1, 1)),
            (2, (1, 3)),
            (3, (2, 1)),
            (5, (2, 2)),
            (9, (3, 1)),
            (10, (3, 2)),
            (99, (3, 2)),
        ] {
            assert_eq!(line_and_column(text, offset), place, "offset {offset}");
        }
        assert_eq!(line_and_column("", 0), (1, 1));
    }

    #[test]
    fn characters_that_break_the_line_are_escaped() {
        let error = DefinitionError::whole_file("a\nb", "c\u{2028}d\r", "\u{1b}[2J\u{85}é");
        assert_eq!(
            error.to_string(),
            "a\\nb: c\\u{2028}d\\r; \\u{1b}[2J\\u{85}é"
        );
    }

    #[test]
    fn quotes_are_short_and_stop_at_the_line() {
        assert_eq!(shorten("short"), "short");
        assert_eq!(shorten("one\ntwo"), "one…");
        assert_eq!(shorten(&"é".repeat(100)).chars().count(), 61);
    }
}
