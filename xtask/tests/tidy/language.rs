//! Patterns of a translated dialect that a program can find, in comments, pages and names of tests.

use super::{files, none, read, root};

/// Written apart, so that this file does not find itself.
const PATTERNS: [(&str, &str); 12] = [
    ("in ", "vain"),
    ("to be ", "had"),
    ("for ", "ever"),
    ("is to be ", "*ed"),
    ("are to be ", "*ed"),
    ("so ", "many"),
    ("by ", "turns"),
    ("told ", "of"),
    ("of the user", "'s"),
    ("^Who ", ""),
    ("^What ", ""),
    ("^Whoever ", ""),
];

/// The phrase in the prose, if it is there as whole words. `^` is the beginning of a sentence, and
/// `*ed` any participle.
fn finds(prose: &str, (first, second): (&str, &str)) -> bool {
    if let Some(opener) = first.strip_prefix('^') {
        return prose.starts_with(opener) || prose.contains(&format!(". {opener}"));
    }
    let (before, participle) = match second {
        "*ed" => (first.to_string(), true),
        second => (format!("{first}{second}"), false),
    };
    let lower = prose.to_lowercase();
    lower.match_indices(&before).any(|(at, _)| {
        let starts = at == 0 || !lower.as_bytes()[at - 1].is_ascii_alphanumeric();
        let rest = &lower[at + before.len()..];
        let word: String = rest
            .chars()
            .take_while(|letter| letter.is_alphabetic())
            .collect();
        starts
            && if participle {
                word.ends_with("ed") || word.ends_with("en")
            } else {
                word.is_empty()
            }
    })
}

/// The prose of a line: a comment of Rust, or a line of a page.
fn prose(line: &str, is_rust: bool) -> Option<&str> {
    let line = line.trim_start();
    if !is_rust {
        return Some(line);
    }
    let comment = line.strip_prefix("//")?;
    Some(comment.trim_start_matches(['/', '!']).trim_start())
}

#[test]
fn comments_and_pages_are_free_of_the_dialect() {
    let mut found = Vec::new();
    let mut lines = 0;
    for (ending, is_rust) in [("rs", true), ("md", false)] {
        for path in files(&root(), ending) {
            for (number, line) in read(&path).lines().enumerate() {
                let Some(prose) = prose(line, is_rust) else {
                    continue;
                };
                lines += 1;
                let hit = PATTERNS.iter().find(|pattern| finds(prose, **pattern));
                // A heading or a cell of a table may ask.
                if let Some((first, second)) = hit.filter(|_| !prose.contains('?')) {
                    found.push(format!(
                        "{}:{}: `{first}{second}`: {prose}",
                        path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(lines > 5_000, "{lines} lines of prose");
    none(
        found,
        "say it in plain English; CONTRIBUTING.md has the rules",
    );
}

#[test]
fn names_of_tests_are_short_and_have_a_subject() {
    let mut found = Vec::new();
    for folder in ["crates", "xtask"] {
        for path in files(&root().join(folder), "rs") {
            let text = read(&path);
            let mut lines = text.lines();
            while let Some(line) = lines.next() {
                if line.trim() != "#[test]" {
                    continue;
                }
                let Some(name) =
                    lines.find_map(|line| line.trim_start().strip_prefix("fn ")?.split('(').next())
                else {
                    break;
                };
                let opens = ["who_", "what_", "whoever_", "to_"];
                if name.len() > 60 || opens.iter().any(|open| name.starts_with(open)) {
                    found.push(format!("{}: {name}", path.display()));
                }
            }
        }
    }
    none(
        found,
        "a subject, a verb and a condition, in at most 60 characters",
    );
}
