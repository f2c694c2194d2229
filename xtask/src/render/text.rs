//! Lines of text: made harmless, and wrapped.

/// The width every table and paragraph keeps to.
pub(super) const WIDTH: usize = 80;

/// One line without control characters: what a child printed may hold anything.
pub fn clean(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(char::is_control, "\u{fffd}")
}

/// `text` in lines of at most [`WIDTH`] characters, the first after `first`, the others indented by
/// as much; each ends with a newline. Words too long for a line are cut.
pub(super) fn wrap(first: &str, text: &str) -> String {
    let indent = " ".repeat(first.chars().count());
    let room = WIDTH.saturating_sub(indent.len()).max(20);
    let mut lines = vec![String::new()];
    let mut used = 0;
    let text = clean(text);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        for (at, piece) in pieces(word, room).into_iter().enumerate() {
            let length = piece.chars().count();
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
        out.push_str(format!("{}{line}", if at == 0 { first } else { &indent }).trim_end());
        out.push('\n');
    }
    out
}

/// `word` in pieces of at most `width` characters.
pub(super) fn pieces(word: &str, width: usize) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    chars
        .chunks(width.max(1))
        .map(|piece| piece.iter().collect())
        .collect()
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn control_characters_cannot_reach_the_terminal() {
        assert_eq!(clean("a\n\tb\u{1b}[31mc\0"), "a b\u{fffd}[31mc\u{fffd}");
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
