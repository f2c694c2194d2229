//! Text from files and contestants in an SVG.

use std::fmt;

use crate::text::clean;

/// A text in the content of an element. Nothing that is not a literal gets into the picture in
/// another way.
pub(super) struct Xml(String);

impl Xml {
    /// One line without markup, and without the characters that XML does not have.
    pub(super) fn new(text: &str) -> Xml {
        let mut out = String::with_capacity(text.len());
        for character in clean(text).chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
                _ => out.push(character),
            }
        }
        Xml(out)
    }
}

impl fmt::Display for Xml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_characters_without_meaning_are_shown() {
        let text = Xml::new("<b a=\"1\">&'\u{0}\u{ffff}\n</b>").to_string();
        assert_eq!(
            text,
            "&lt;b a=&quot;1&quot;&gt;&amp;&#39;\u{fffd}\u{fffd} &lt;/b&gt;"
        );
    }
}
