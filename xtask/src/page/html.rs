//! The page as it grows: markup that the program knows, and text that it does not.

use std::fmt::Write as _;

use crate::text::{MAX_NAME_COLUMNS, clean, cut};

/// The limit on a name in full, where it is shown cut elsewhere.
const MAX_FULL_COLUMNS: usize = 300;

/// A part of the page.
///
/// Markup has to be known when the program is compiled; everything else passes through
/// [`text`](Html::text) or is a number. So no name, error or path of a results file can become
/// markup, in an element or in a quoted attribute.
#[derive(Debug, Default)]
pub(super) struct Html {
    out: String,
}

impl Html {
    /// Adds markup as it stands.
    pub(super) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    /// Adds text as one line, as content of an element or as the value of a quoted attribute.
    /// Control and format characters are replaced, markup is escaped.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for character in clean(text).chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                _ => self.out.push(character),
            }
        }
        self
    }

    /// Adds an element with text in it. `open` is its start tag.
    pub(super) fn element(
        &mut self,
        open: &'static str,
        text: &str,
        close: &'static str,
    ) -> &mut Self {
        self.markup(open).text(text).markup(close)
    }

    /// Adds a name in an isolated run of text, with the whole of it in the title if it is cut.
    pub(super) fn name(&mut self, name: &str) -> &mut Self {
        let short = cut(name, MAX_NAME_COLUMNS);
        if short == clean(&cut(name, MAX_FULL_COLUMNS)) {
            return self.element("<bdi>", &short, "</bdi>");
        }
        self.markup("<bdi title=\"");
        self.text(&cut(name, MAX_FULL_COLUMNS));
        self.element("\">", &short, "</bdi>")
    }

    /// Adds a number with at most two decimals; 0 for what is none.
    pub(super) fn number(&mut self, number: f64) -> &mut Self {
        let number = if number.is_finite() { number } else { 0.0 };
        let rounded = (number * 100.0).round() / 100.0;
        // Adding zero removes the sign of a negative zero.
        let _ = write!(self.out, "{}", rounded + 0.0);
        self
    }

    /// Adds a whole number.
    pub(super) fn count(&mut self, count: usize) -> &mut Self {
        let _ = write!(self.out, "{count}");
        self
    }

    /// Adds the value that a table is sorted by: the shortest form that keeps four digits.
    pub(super) fn value(&mut self, value: f64) -> &mut Self {
        let value = if value.is_finite() { value } else { 0.0 };
        let rounded: f64 = format!("{value:.4e}").parse().unwrap_or(0.0);
        match rounded.abs() {
            x if x != 0.0 && !(1e-4..1e15).contains(&x) => {
                let _ = write!(self.out, "{rounded:e}");
            }
            _ => {
                let _ = write!(self.out, "{rounded}");
            }
        }
        self
    }

    /// Adds the data of an SVG path.
    pub(super) fn path(&mut self, path: &Path) -> &mut Self {
        self.out.push_str(&path.data);
        self
    }

    /// Adds another part.
    pub(super) fn part(&mut self, part: Html) -> &mut Self {
        self.out.push_str(&part.out);
        self
    }

    /// The length in bytes.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// The data of an SVG path, in whole units or tenths of one.
#[derive(Debug, Default)]
pub(super) struct Path {
    data: String,
}

impl Path {
    /// Moves the pen.
    pub(super) fn to(&mut self, x: f64, y: f64) -> &mut Self {
        self.command('M', &[x, y])
    }

    /// Draws a line to there.
    pub(super) fn line(&mut self, x: f64, y: f64) -> &mut Self {
        self.command('L', &[x, y])
    }

    /// Draws a line across by this much.
    pub(super) fn across(&mut self, by: f64) -> &mut Self {
        self.command('h', &[by])
    }

    /// Draws a line down by this much.
    pub(super) fn down(&mut self, by: f64) -> &mut Self {
        self.command('v', &[by])
    }

    /// Draws a line back to where the pen was last moved.
    pub(super) fn close(&mut self) -> &mut Self {
        self.data.push('z');
        self
    }

    /// Whether nothing was drawn.
    pub(super) fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    fn command(&mut self, letter: char, numbers: &[f64]) -> &mut Self {
        self.data.push(letter);
        for (at, number) in numbers.iter().enumerate() {
            let number = if number.is_finite() { *number } else { 0.0 };
            let rounded = (number * 10.0).round() / 10.0 + 0.0;
            let space = if at > 0 && rounded >= 0.0 { " " } else { "" };
            let _ = write!(self.data, "{space}{rounded}");
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        let mut html = Html::default();
        html.text(text);
        html.finish()
    }

    #[test]
    fn markup_in_text_is_escaped() {
        let hostile = "<script>alert('1')</script>\" onload=\"x&amp;";
        let escaped = text(hostile);
        assert!(!escaped.contains(['<', '>', '"', '\'']), "{escaped}");
        assert!(escaped.starts_with("&lt;script&gt;alert(&#39;1&#39;)"));
        assert!(escaped.ends_with("&quot; onload=&quot;x&amp;amp;"));
    }

    #[test]
    fn control_and_direction_characters_are_replaced() {
        assert_eq!(
            text("a\0b\u{202e}c\u{85}d\u{7f}"),
            "a\u{fffd}b\u{fffd}c d\u{fffd}"
        );
        assert_eq!(text("two\r\nlines\tand\u{2028}more"), "two lines and more");
    }

    #[test]
    fn a_long_name_is_cut_and_kept_in_its_title() {
        let mut html = Html::default();
        html.name(&"<n>".repeat(10_000));
        let page = html.finish();
        assert!(page.len() < 4_000, "{}", page.len());
        assert!(page.starts_with("<bdi title=\"&lt;n&gt;") && page.ends_with("…</bdi>"));
        let mut html = Html::default();
        html.name("threads/limited ×8");
        assert_eq!(html.finish(), "<bdi>threads/limited ×8</bdi>");
    }

    #[test]
    fn numbers_are_short_and_always_numbers() {
        let mut html = Html::default();
        html.number(1.0).markup(" ").number(-0.001).markup(" ");
        html.number(2.345).markup(" ").number(f64::NAN).markup(" ");
        html.value(4_540_138.5).markup(" ").value(0.0).markup(" ");
        html.value(1.5e-7).markup(" ").value(f64::INFINITY);
        assert_eq!(html.finish(), "1 0 2.35 0 4540100 0 1.5e-7 0");
    }

    #[test]
    fn a_path_has_numbers_only() {
        let mut path = Path::default();
        path.to(1.04, 2.0)
            .line(-3.25, f64::NAN)
            .across(4.0)
            .down(-1.0)
            .close();
        let mut html = Html::default();
        html.path(&path);
        assert_eq!(html.finish(), "M1 2L-3.3 0h4v-1z");
    }
}
