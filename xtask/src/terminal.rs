//! The abilities of an output: its width, colour, and letters beyond ASCII.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

use crate::render::{Page, on_page};
use crate::text::columns_of;

/// The width of what is no terminal, and of terminals that do not know theirs.
const COLUMNS: usize = 80;

/// Narrower and wider outputs are treated like these.
const NARROWEST: usize = 20;
const WIDEST: usize = 400;

/// Bold red and bold yellow, for the first word of a message.
const ERROR: &str = "\u{1b}[1;31m";
const WARNING: &str = "\u{1b}[1;33m";
const PLAIN: &str = "\u{1b}[0m";

/// The abilities of standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    page: Page,
    is_unicode: bool,
}

impl Terminal {
    /// Those of this output, by the output itself and by the environment.
    pub fn of<T: AsFd + IsTerminal>(output: &T) -> Terminal {
        let size = output.is_terminal().then(|| {
            let size = tcgetwinsize(output.as_fd()).ok();
            size.map_or(0, |size| usize::from(size.ws_col))
        });
        Terminal::by(size, |name| std::env::var_os(name))
    }

    /// By the width of the terminal, 0 if it is unknown, and the environment; without a width it is
    /// a file or a pipe.
    ///
    /// `COLUMNS` overrides the width. `NO_COLOR`, if it is not empty, and `TERM=dumb` turn colour
    /// off. The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is not empty names the character
    /// set; without any, it is taken to be UTF-8, as nearly everywhere today.
    fn by(terminal: Option<usize>, variable: impl Fn(&str) -> Option<OsString>) -> Terminal {
        let text = |name: &str| {
            let value = variable(name)?.to_string_lossy().into_owned();
            (!value.is_empty()).then_some(value)
        };
        let told = text("COLUMNS").and_then(|columns| columns.parse().ok());
        let columns = told.filter(|columns| *columns > 0).or(terminal);
        let columns = columns.filter(|columns| *columns > 0).unwrap_or(COLUMNS);
        let has_colour = terminal.is_some()
            && text("NO_COLOR").is_none()
            && text("TERM").is_some_and(|term| term != "dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(text);
        Terminal {
            page: Page {
                columns: columns.clamp(NARROWEST, WIDEST),
                has_colour,
            },
            is_unicode: locale.is_none_or(|locale| is_utf8(&locale)),
        }
    }

    /// Whether it shows letters beyond ASCII.
    pub fn is_unicode(&self) -> bool {
        self.is_unicode
    }

    /// Renders for the width and the colours of this output; [`letters`](Self::letters) does the
    /// rest.
    pub fn set<T>(&self, render: impl FnOnce() -> T) -> T {
        on_page(self.page, render)
    }

    /// A text that is rendered already, in letters that the output can show.
    pub fn letters(&self, text: String) -> String {
        if self.is_unicode { text } else { ascii(&text) }
    }

    /// The lines of a message, the first word of errors and warnings in colour.
    pub fn message(&self, text: &str) -> String {
        let lines = text.split_inclusive('\n').map(|line| {
            let head = [("error:", ERROR), ("warning:", WARNING)];
            let mut head = head.into_iter();
            match head.find(|(word, _)| self.page.has_colour && line.starts_with(word)) {
                Some((word, colour)) => format!("{colour}{word}{PLAIN}{}", &line[word.len()..]),
                None => line.to_owned(),
            }
        });
        self.letters(lines.collect())
    }
}

/// Whether a locale such as `de_DE.UTF-8` has all letters.
fn is_utf8(locale: &str) -> bool {
    let set = locale.split('@').next().unwrap_or_default();
    let set = set
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    set == "utf-8" || set == "utf8"
}

/// The text with marks of ASCII in as many columns.
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            _ if letter.is_ascii() => out.push(letter),
            '≈' => out.push('~'),
            '×' => out.push('x'),
            '·' => out.push('.'),
            'µ' => out.push('u'),
            '–' | '−' => out.push('-'),
            '÷' => out.push('/'),
            '≤' => out.push('<'),
            '’' => out.push('\''),
            '…' => ellipsis(&mut out),
            _ => out.push_str(&"?".repeat(columns_of(letter))),
        }
    }
    out
}

/// Three dots in place of one: they take the columns of the two letters before.
fn ellipsis(out: &mut String) {
    let line = out.rsplit('\n').next().unwrap_or_default();
    if line.len() >= 3 && line.is_ascii() {
        out.truncate(out.len() - 2);
        out.push_str("...");
    } else {
        out.push('.');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::width;

    fn of(terminal: Option<usize>, variables: &[(&str, &str)]) -> (usize, bool, bool) {
        let variable = |name: &str| {
            let mut all = variables.iter();
            all.find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        };
        let found = Terminal::by(terminal, variable);
        (found.page.columns, found.page.has_colour, found.is_unicode)
    }

    #[test]
    fn width_comes_from_columns_then_from_the_terminal() {
        for (terminal, variables, columns) in [
            (None, &[][..], 80),
            (Some(0), &[], 80),
            (Some(133), &[], 133),
            (Some(133), &[("COLUMNS", "40")], 40),
            (None, &[("COLUMNS", "200")], 200),
            (Some(133), &[("COLUMNS", "0")], 133),
            (Some(133), &[("COLUMNS", "wide")], 133),
            (Some(1), &[], 20),
            (None, &[("COLUMNS", "99999")], 400),
        ] {
            assert_eq!(
                of(terminal, variables).0,
                columns,
                "{terminal:?} {variables:?}"
            );
        }
    }

    #[test]
    fn colour_needs_a_terminal_that_has_it_and_a_user_who_wants_it() {
        let xterm = ("TERM", "xterm");
        for (terminal, variables, colour) in [
            (Some(80), &[xterm][..], true),
            (None, &[xterm], false),
            (Some(80), &[], false),
            (Some(80), &[("TERM", "dumb")], false),
            (Some(80), &[xterm, ("NO_COLOR", "1")], false),
            (Some(80), &[xterm, ("NO_COLOR", "")], true),
        ] {
            assert_eq!(
                of(terminal, variables).1,
                colour,
                "{terminal:?} {variables:?}"
            );
        }
    }

    #[test]
    fn the_first_locale_that_is_set_names_the_letters() {
        for (variables, unicode) in [
            (&[][..], true),
            (&[("LANG", "C")], false),
            (&[("LANG", "POSIX")], false),
            (&[("LANG", "C.UTF-8")], true),
            (&[("LANG", "de_DE.utf8@euro")], true),
            (&[("LANG", "de_DE.ISO-8859-1")], false),
            (&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")], false),
            (
                &[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C")],
                true,
            ),
        ] {
            assert_eq!(of(None, variables).2, unicode, "{variables:?}");
        }
    }

    #[test]
    fn ascii_keeps_the_columns() {
        for (text, expected) in [
            ("≈ 1.07≈ ×2 · 3 µs 20–21", "~ 1.07~ x2 . 3 us 20-21"),
            ("mandelbrot…", "mandelbr..."),
            ("a… b", "a. b"),
            ("並行 é e\u{301}", "???? ? e"),
        ] {
            assert_eq!(ascii(text), expected);
        }
        for text in ["thread-pool…  1.07≈", "並行  ×2", "a…"] {
            assert_eq!(width(&ascii(text)), width(text), "{text}");
        }
    }
}
