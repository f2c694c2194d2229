//! Text from files and contestants, made harmless in Markdown.

use std::fmt;

use crate::text::clean;

/// Characters that mean something in Markdown, in HTML, or in the dialects of forges, wherever they
/// stand. Others do so behind one of these only, or at the beginning of a line.
const SPECIAL: &str = "\\`*_[]<|~&$";

/// Characters that open a list, a quotation, a heading or a rule at the beginning of a line.
const OPENERS: [char; 7] = ['-', '+', '=', '#', '>', ':', '\t'];

/// A text in Markdown. There is no other way for a text that is not a literal to get into the
/// document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Escaped(String);

impl Escaped {
    /// The content of a cell, in which nothing is special for standing at the beginning.
    ///
    /// Punctuation gets a backslash. Words that a forge would make a link of, such as `@name`,
    /// `#12` and addresses, become code, where it makes none.
    pub(super) fn cell(text: &str) -> Escaped {
        let words: Vec<String> = clean(text).split(' ').map(word).collect();
        Escaped(words.join(" "))
    }

    /// A paragraph, or the content of an item.
    pub(super) fn line(text: &str) -> Escaped {
        let Escaped(text) = Escaped::cell(text);
        let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
        if text.starts_with(OPENERS) {
            return Escaped(format!("\\{text}"));
        }
        let marker = digits.starts_with(['.', ')']) && !digits[1..].starts_with(|c| c != ' ');
        if digits.len() < text.len() && marker {
            let number = &text[..text.len() - digits.len()];
            return Escaped(format!("{number}\\{digits}"));
        }
        Escaped(text)
    }

    /// The content of an element of HTML, where Markdown is not read.
    pub(super) fn html(text: &str) -> Escaped {
        let text = clean(text);
        let words = text.split(' ').map(|word| {
            let escaped = word
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;");
            match is_linked(word) {
                true => format!("<code>{escaped}</code>"),
                false => escaped,
            }
        });
        Escaped(words.collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Escaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn word(word: &str) -> String {
    if is_linked(word) {
        // A pipe would end the cell of a table even here, and a backslash is shown in code.
        return code(&word.replace('|', "¦"));
    }
    let mut out = String::with_capacity(word.len());
    for character in word.chars() {
        if SPECIAL.contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

fn is_linked(word: &str) -> bool {
    let numbered = word.split('#').skip(1);
    let mut numbered = numbered.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let lower = word.to_ascii_lowercase();
    lower.contains('@')
        || lower.contains("://")
        || lower.contains("www.")
        || lower.contains("mailto:")
        || numbered.next().is_some()
}

/// A code span, fenced by more backticks than any run in it.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        Escaped::line(text).to_string()
    }

    #[test]
    fn markup_is_shown_and_not_obeyed() {
        for (text, expected) in [
            ("thread-pool ×2", "thread-pool ×2"),
            ("1.02= within 5 %", "1.02= within 5 %"),
            ("<script>", "\\<script>"),
            ("a|b\\|c", "a\\|b\\\\\\|c"),
            ("**bold** _x_ `y`", "\\*\\*bold\\*\\* \\_x\\_ \\`y\\`"),
            ("[a](b) ![i](j)", "\\[a\\](b) !\\[i\\](j)"),
            ("&lt; ~~x~~ $x$", "\\&lt; \\~\\~x\\~\\~ \\$x\\$"),
            ("a\nb\u{1b}[31m", "a b\u{fffd}\\[31m"),
        ] {
            assert_eq!(line(text), expected);
        }
    }

    #[test]
    fn a_line_opens_no_block_and_a_cell_needs_no_care() {
        for (text, expected) in [
            ("- x", "\\- x"),
            ("---", "\\---"),
            ("1. x", "1\\. x"),
            ("12) x", "12\\) x"),
            ("# x", "\\# x"),
            ("> x", "\\> x"),
        ] {
            assert_eq!(line(text), expected);
        }
        for text in ["-", ">4.1", "1.35", "=", "≈"] {
            assert_eq!(Escaped::cell(text).to_string(), text);
        }
    }

    #[test]
    fn no_name_is_mentioned_and_nothing_is_linked() {
        for (text, expected) in [
            ("ask @octocat now", "ask `@octocat` now"),
            ("#12", "`#12`"),
            ("o/r#12", "`o/r#12`"),
            ("HTTPS://example.org/|x", "`HTTPS://example.org/¦x`"),
            ("www.example.org", "`www.example.org`"),
            ("`@a``b", "``` `@a``b ```"),
        ] {
            assert_eq!(line(text), expected);
        }
    }

    #[test]
    fn elements_get_entities_and_no_backslashes() {
        let html = Escaped::html("<b>&amp; \"x\" `@a<` *y*").to_string();
        assert_eq!(
            html,
            "&lt;b&gt;&amp;amp; &quot;x&quot; <code>`@a&lt;`</code> *y*"
        );
    }
}
