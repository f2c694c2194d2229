//! Figures go into a document between two markers, so that nobody pastes them by hand.

/// Replaces what stands between the lines `<!-- begin: MARKER -->` and `<!-- end: MARKER -->`.
///
/// The markers stay, and so does every byte outside of them.
///
/// # Errors
///
/// One line, when a marker is missing or double, or the end comes before the beginning.
pub fn splice(document: &str, marker: &str, content: &str) -> Result<String, String> {
    let begin = find(document, &format!("<!-- begin: {marker} -->"))?;
    let end = find(document, &format!("<!-- end: {marker} -->"))?;
    if end.start < begin.end {
        return Err(format!(
            "the line `<!-- end: {marker} -->` comes before its beginning; swap the two"
        ));
    }
    // As the line of the marker ends, so do the lines put in.
    let newline = if document[begin.clone()].ends_with("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let mut out = document[..begin.end].to_owned();
    for line in content.lines() {
        out.push_str(line);
        out.push_str(newline);
    }
    out.push_str(&document[end.start..]);
    Ok(out)
}

/// Where the one line is that consists of `marker`, its newline included.
fn find(document: &str, marker: &str) -> Result<std::ops::Range<usize>, String> {
    let mut at = 0;
    let mut found = None;
    for line in document.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        if line.trim() == marker && found.replace(range).is_some() {
            return Err(format!("the line `{marker}` is there twice; remove one"));
        }
    }
    found.ok_or_else(|| format!("the line `{marker}` is missing; put it where the figures belong"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# Title\n<!-- begin: m -->\nold\nolder\n<!-- end: m -->\nrest";

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let once = splice(DOCUMENT, "m", "new\n").unwrap();
        assert_eq!(
            once,
            "# Title\n<!-- begin: m -->\nnew\n<!-- end: m -->\nrest"
        );
        assert_eq!(
            splice(&once, "m", "new").unwrap(),
            once,
            "a second time changes nothing"
        );
        assert_eq!(
            splice(&once, "m", "").unwrap(),
            DOCUMENT.replace("old\nolder\n", "")
        );
    }

    #[test]
    fn line_endings_stay_those_of_the_document() {
        let document = DOCUMENT.replace('\n', "\r\n");
        let expected = "# Title\r\n<!-- begin: m -->\r\na\r\nb\r\n<!-- end: m -->\r\nrest";
        assert_eq!(splice(&document, "m", "a\nb\n").unwrap(), expected);
    }

    #[test]
    fn other_markers_and_mentions_in_a_line_are_left_alone() {
        let document = format!("see <!-- begin: m --> here\n<!-- begin: n -->\n{DOCUMENT}");
        let spliced = splice(&document, "m", "new").unwrap();
        assert!(spliced.starts_with("see <!-- begin: m --> here\n<!-- begin: n -->\n# Title"));
    }

    #[test]
    fn missing_double_and_swapped_markers_are_errors() {
        for (document, expected) in [
            ("", "`<!-- begin: m -->` is missing"),
            ("<!-- begin: m -->\n", "`<!-- end: m -->` is missing"),
            (
                "<!-- begin: m -->\n<!-- begin: m -->\n<!-- end: m -->\n",
                "`<!-- begin: m -->` is there twice",
            ),
            (
                "<!-- begin: m -->\n<!-- end: m -->\n<!-- end: m -->",
                "`<!-- end: m -->` is there twice",
            ),
            (
                "<!-- end: m -->\n<!-- begin: m -->\n",
                "comes before its beginning",
            ),
        ] {
            let error = splice(document, "m", "x").unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert_eq!(error.lines().count(), 1);
        }
    }
}
