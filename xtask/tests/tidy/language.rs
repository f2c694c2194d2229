//! Patterns of a translated dialect that a program can find, in comments, pages and names of tests.

use super::{all_files, files, none, read, root};

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

/// The phrase in the sentence, if it is there as whole words. `^` is the beginning of the sentence,
/// and `*ed` a participle.
fn finds(prose: &str, (first, second): (&str, &str)) -> bool {
    if let Some(opener) = first.strip_prefix('^') {
        return prose.starts_with(opener);
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
                word.ends_with("ed")
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

/// The sentences of a line of prose, and the cells of a line of a table.
fn sentences(prose: &str) -> Vec<&str> {
    let cells: Vec<&str> = if prose.starts_with('|') {
        prose.split('|').collect()
    } else {
        vec![prose]
    };
    let mut found = Vec::new();
    for cell in cells {
        let mut rest = cell.trim();
        while let Some(at) = end_of_sentence(rest) {
            let (sentence, more) = rest.split_at(at);
            found.push(sentence.trim());
            rest = more.trim_start();
        }
        found.push(rest);
    }
    found
}

/// Where the first sentence ends, if another one follows.
fn end_of_sentence(text: &str) -> Option<usize> {
    let ends = [". ", "? ", "! "].map(|mark| text.find(mark));
    ends.into_iter().flatten().min().map(|at| at + 1)
}

#[test]
fn only_the_sentence_that_asks_is_exempt() {
    let line = "| Who? | Who waits. What now? Who asks, `a?`. |";
    let asking = |sentence: &&str| sentence.ends_with('?');
    let (asking, others): (Vec<&str>, Vec<&str>) = sentences(line).into_iter().partition(asking);
    assert_eq!(asking, ["Who?", "What now?"]);
    assert_eq!(others, ["", "Who waits.", "Who asks, `a?`.", ""]);
}

#[test]
fn comments_and_pages_are_free_of_the_dialect() {
    let mut found = Vec::new();
    let mut lines = 0;
    for (ending, is_rust) in [("rs", true), ("md", false)] {
        for path in all_files(ending) {
            for (number, line) in read(&path).lines().enumerate() {
                let Some(prose) = prose(line, is_rust) else {
                    continue;
                };
                lines += 1;
                // A heading or a cell of a table may ask.
                for sentence in sentences(prose).iter().filter(|one| !one.ends_with('?')) {
                    let mut hits = PATTERNS.iter();
                    if let Some((first, second)) = hits.find(|one| finds(sentence, **one)) {
                        found.push(format!(
                            "{}:{}: `{first}{second}`: {sentence}",
                            path.display(),
                            number + 1
                        ));
                    }
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
                if name.len() >= 60 || opens.iter().any(|open| name.starts_with(open)) {
                    found.push(format!("{}: {name}", path.display()));
                }
            }
        }
    }
    none(
        found,
        "a subject, a verb and a condition, in under 60 characters",
    );
}
