//! Text from files and contestants, made harmless for a terminal and measured in columns.
//!
//! An escape sequence in a name could repaint the table, and a right-to-left override could display
//! another name. So everything that is printed passes through here.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Longer names are cut where they are shown. The longest name of a workload fits.
pub const MAX_NAME_COLUMNS: usize = 64;

/// More combining marks than this on one letter are only a way to draw over the lines above.
const MAX_MARKS: usize = 2;

/// The replacement for a character that must not be printed.
const REPLACED: char = '\u{fffd}';

/// One line without control and format characters; white space becomes single spaces.
pub fn clean(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    harmless(&words.join(" "))
}

/// The same line by line: line breaks and spaces stay as they are.
pub fn clean_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(harmless).collect();
    lines.join("\n")
}

/// A name in one line of at most [`MAX_NAME_COLUMNS`].
pub fn name(text: &str) -> String {
    cut(text, MAX_NAME_COLUMNS)
}

/// [`clean`], cut to `columns`, with `…` at the end if something was cut off.
pub fn cut(text: &str, columns: usize) -> String {
    // Cut before cleaning, since the text may be megabytes long. No character takes more than 4
    // bytes.
    let mut most = columns.saturating_mul(4 * (1 + MAX_MARKS)).min(text.len());
    while !text.is_char_boundary(most) {
        most -= 1;
    }
    let mut cleaned = clean(&text[..most]);
    if most == text.len() && width(&cleaned) <= columns {
        return cleaned;
    }
    let mut used = 0;
    let end = cleaned.char_indices().find(|(_, character)| {
        used += columns_of(*character);
        used + 1 > columns
    });
    if let Some((end, _)) = end {
        cleaned.truncate(end);
    }
    cleaned.push('…');
    cleaned
}

/// The columns that cleaned text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The columns of one character of cleaned text.
pub fn columns_of(character: char) -> usize {
    character.width().unwrap_or(1)
}

fn harmless(text: &str) -> String {
    let mut marks = 0;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // Variation selectors change how the character before them looks, and the widths with
            // it.
            '\u{fe00}'..='\u{fe0f}' => {}
            _ if is_hidden(character) => {
                marks = 0;
                out.push(REPLACED);
            }
            _ if columns_of(character) == 0 => {
                marks += 1;
                if marks <= MAX_MARKS {
                    out.push(character);
                }
            }
            _ => {
                marks = 0;
                out.push(character);
            }
        }
    }
    out
}

/// Control characters, and Unicode's format and ignorable characters: direction, joiners, tags,
/// fillers.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'..='\u{891}'
                | '\u{8e2}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_cannot_reach_the_terminal() {
        assert_eq!(clean("a\n\tb\u{1b}[31mc\0"), "a b\u{fffd}[31mc\u{fffd}");
        assert_eq!(
            clean_lines("a\n  b\u{9b}31m\r\n"),
            "a\n  b\u{fffd}31m\u{fffd}\n"
        );
    }

    #[test]
    fn format_characters_cannot_reach_the_terminal() {
        for hidden in [
            '\u{202e}',
            '\u{2066}',
            '\u{2069}',
            '\u{200b}',
            '\u{200d}',
            '\u{200f}',
            '\u{61c}',
            '\u{feff}',
            '\u{ad}',
            '\u{2060}',
            '\u{180e}',
            '\u{3164}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{fff9}',
            '\u{1160}',
        ] {
            assert_eq!(clean(&format!("a{hidden}b")), "a\u{fffd}b", "{hidden:?}");
        }
        assert_eq!(
            clean("a\u{2028}b"),
            "a b",
            "a line separator is white space"
        );
        assert_eq!(clean_lines("a\u{2028}b"), "a\u{fffd}b");
        assert_eq!(clean("❤\u{fe0f}"), "❤");
    }

    #[test]
    fn letters_of_all_languages_stay_as_they_are() {
        for text in [
            "Grüße",
            "Gru\u{308}ße",
            "naïve ×2",
            "並行",
            "العربية",
            "हिन्दी",
            "µs – ½",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn accents_do_not_pile_up() {
        let text = format!("a{}b", "\u{301}".repeat(1000));
        assert_eq!(clean(&text), "a\u{301}\u{301}b");
        assert_eq!(width(&clean(&text)), 2);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(width("並行"), 4);
        assert_eq!(cut("並行並行", 8), "並行並行");
        assert_eq!(cut("並行並行", 7), "並行並…");
        assert_eq!(cut("並行並行", 6), "並行…");
    }

    #[test]
    fn long_names_are_cut_and_say_so() {
        let cut = name(&"n".repeat(10_000));
        assert_eq!(width(&cut), MAX_NAME_COLUMNS);
        assert!(cut.ends_with("nn…"));
        let longest = "n".repeat(MAX_NAME_COLUMNS);
        assert_eq!(name(&longest), longest);
        let marks = format!("a{}", "\u{301}".repeat(10_000));
        assert_eq!(name(&marks), "a\u{301}\u{301}…");
    }
}
