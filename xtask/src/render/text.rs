//! Lines of text, wrapped.

use super::page::{self, Style, paint, paint_head, prose_columns};
use crate::text::{clean, columns_of, cut, width};

/// The limit on a text from a file or a contestant, such as an error, a reason or a remark.
const MAX_REMARK_COLUMNS: usize = 2_000;

/// A text from a file or a contestant, cut to a printable length.
pub(crate) fn remark(text: &str) -> String {
    cut(text, MAX_REMARK_COLUMNS)
}

/// Wraps `text` to the lines of a paragraph. The first line starts with `first`, the
/// others are indented by as much, and each ends with a newline. Words too long for a line are
/// split. Both texts are [cleaned](clean), except for the spaces of `first`.
pub(crate) fn wrap(first: &str, text: &str) -> String {
    let indent = " ".repeat(width(first));
    let room = prose_columns().saturating_sub(indent.len()).max(20);
    let mut lines = vec![String::new()];
    let mut used = 0;
    let text = clean(text);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        for (at, piece) in pieces(word, room).into_iter().enumerate() {
            let length = width(&piece);
            let space = usize::from(used > 0 && at == 0);
            if at > 0 || used + space + length > room && used > 0 {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                if used > 0 {
                    line.push(' ');
                    used += 1;
                }
                line.push_str(&piece);
                used += length;
            }
        }
    }
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        let line = if at == 0 {
            format!("{}{}", paint_head(first), alarm(line))
        } else {
            format!("{indent}{line}")
        };
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The line with its first `ERROR` in colour.
fn alarm(line: &str) -> String {
    let at = line.find("ERROR");
    at.map_or_else(
        || line.to_owned(),
        |at| {
            let (before, after) = (&line[..at], &line[at + 5..]);
            format!("{before}{}{after}", paint(Style::Bad, "ERROR"))
        },
    )
}

/// One line of cleaned text, ended, with `…` where it is cut to the width of the page. A page that
/// is narrow or wide has the rest in further lines.
pub(crate) fn clipped(line: &str) -> String {
    let line = line.trim_end();
    let columns = page::columns();
    if width(line) <= columns {
        return alarm(line) + "\n";
    }
    if !page::cuts() {
        return hanging(line);
    }
    let cut = pieces(line, columns - 1).swap_remove(0);
    alarm(cut.trim_end()) + "…\n"
}

/// The words of a line, the first ones at the left and the rest under them, a little further in.
fn hanging(line: &str) -> String {
    let wrapped = wrap("  ", line);
    wrapped.strip_prefix("  ").unwrap_or(&wrapped).to_owned()
}

/// `word` in pieces of at most `room` columns. A single character that is wider is a piece of its
/// own.
pub(crate) fn pieces(word: &str, room: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for character in word.chars() {
        let columns = columns_of(character);
        if used > 0 && used + columns > room {
            pieces.push(String::new());
            used = 0;
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
            used += columns;
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::page::{Page, on_page};

    const WIDTH: usize = Page::PLAIN.columns;

    #[test]
    fn wrapped_lines_hang_under_the_first() {
        let text = wrap("threads  ", &"word ".repeat(20));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].chars().count(), 78);
        assert!(lines[1].starts_with("         word"));
        assert_eq!(wrap("", ""), "\n");
    }

    #[test]
    fn a_word_longer_than_a_line_is_cut_and_none_is_lost() {
        let text = wrap("x ", &format!("see {} end", "y".repeat(200)));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert_eq!(text.matches('y').count(), 200);
        assert!(text.ends_with("yyy end\n"));
    }

    #[test]
    fn wide_characters_are_wrapped_by_their_columns() {
        let text = wrap("x ", &"並".repeat(100));
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
        assert_eq!(text.lines().next().map(width), Some(80));
        assert_eq!(text.matches('並').count(), 100);
        assert_eq!(pieces("a並b", 2), ["a", "並", "b"]);
        assert_eq!(pieces("並", 1), ["並"]);
        assert_eq!(pieces("", 1), [""; 0]);
    }

    #[test]
    fn a_line_too_long_is_clipped_and_keeps_its_spaces() {
        assert_eq!(clipped("a   b "), "a   b\n");
        let line = clipped(&format!("a   {}", "並".repeat(60)));
        assert!(
            line.starts_with("a   並") && line.ends_with("並…\n"),
            "{line}"
        );
        assert_eq!(width(line.trim_end()), 79);
        assert_eq!(clipped(""), "\n");
    }

    #[test]
    fn a_narrow_page_has_all_of_a_line() {
        let narrow = Page {
            columns: 24,
            ..Page::PLAIN
        };
        let line = "gcd        thread-pool 20.2 ms (3 threads); seq 1.3×";
        let text = on_page(narrow, || clipped(line));
        assert_eq!(
            text,
            "gcd thread-pool 20.2\n  ms (3 threads); seq\n  1.3×\n"
        );
        let wide = Page {
            columns: 200,
            ..Page::PLAIN
        };
        let text = on_page(wide, || clipped(&"x".repeat(150)));
        assert_eq!(text.len(), 151);
        let text = on_page(wide, || clipped(&"word ".repeat(50)));
        assert!(text.lines().count() == 3 && !text.contains('…'), "{text}");
        let text = on_page(wide, || wrap("", &"word ".repeat(50)));
        assert!(text.lines().all(|line| width(line) <= 100), "{text}");
    }

    #[test]
    fn lists_read_like_sentences() {
        let items = ["a", "b", "c"].map(String::from);
        assert_eq!(list(&items), "a, b and c");
        assert_eq!(list(&items[..2]), "a and b");
        assert_eq!(list(&items[..1]), "a");
        assert_eq!(list(&[]), "");
    }
}
