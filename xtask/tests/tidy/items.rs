//! The pages of the Items: complete, and with the code that runs.

use std::path::Path;

use super::{crates, files, none, read, root};

const SECTIONS: [&str; 6] = [
    "## The problem",
    "## In Python",
    "## In Rust",
    "## What it costs here",
    "## What goes wrong without it",
    "## When not to use it",
];

/// The fenced blocks of a page that follow a line `From [file](path):`, with that path.
fn excerpts(page: &str) -> Vec<(String, Vec<&str>)> {
    let mut found = Vec::new();
    let (mut source, mut block) = (None, None::<Vec<&str>>);
    for line in page.lines() {
        match &mut block {
            Some(lines) if line == "```" => {
                let path: &String = source.as_ref().expect("a block has a source");
                found.push((path.clone(), std::mem::take(lines)));
                block = None;
            }
            Some(lines) => lines.push(line),
            None if line.starts_with("From [") && line.ends_with("):") => {
                let path = line.split("](").nth(1).unwrap_or_default();
                source = Some(path.trim_end_matches("):").to_string());
            }
            None if source.is_some() && (line == "```python" || line == "```rust,ignore") => {
                block = Some(Vec::new());
            }
            None if line.is_empty() => {}
            None => source = None,
        }
    }
    found
}

/// Whether these lines stand in the text one after another, indented by the same number of spaces.
fn has_lines(text: &[&str], lines: &[&str]) -> bool {
    text.windows(lines.len().max(1)).any(|window| {
        let pairs = || {
            window
                .iter()
                .zip(lines)
                .filter(|(_, line)| !line.is_empty())
        };
        let indent = pairs()
            .next()
            .map_or(0, |(found, line)| found.len().saturating_sub(line.len()));
        let same = |(found, line): (&&str, &&str)| {
            found.get(indent..) == Some(*line) && found[..indent].trim().is_empty()
        };
        pairs().all(same)
            && window
                .iter()
                .zip(lines)
                .all(|(found, line)| found.is_empty() == line.is_empty())
    })
}

#[test]
fn code_of_the_pages_is_that_of_the_programs() {
    let folder = root().join("docs/items");
    let (mut wrong, mut unbalanced, mut seen) = (Vec::new(), Vec::new(), 0);
    for page in files(&folder, "md") {
        let text = read(&page);
        for (path, lines) in excerpts(&text) {
            seen += 1;
            let source = read(&folder.join(&path));
            let first = lines.first().copied().unwrap_or_default();
            if !has_lines(&source.lines().collect::<Vec<_>>(), &lines) {
                wrong.push(format!("{}: `{first}` … in {path}", page.display()));
            }
            if !is_balanced(&lines) {
                unbalanced.push(format!("{}: `{first}` …", page.display()));
            }
        }
    }
    assert!(seen > 40, "{seen} excerpts");
    none(
        wrong,
        "excerpts that their file no longer has; copy them again",
    );
    none(unbalanced, "excerpts that end within brackets");
}

/// Whether each bracket that these lines open is closed in them. Those in strings come in pairs.
fn is_balanced(lines: &[&str]) -> bool {
    let mut open = Vec::new();
    for c in lines.iter().flat_map(|line| line.chars()) {
        match c {
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.pop() != Some(c) => return false,
            _ => {}
        }
    }
    open.is_empty()
}

/// The crates that have the example of this Item.
fn with_example(item: u32) -> Vec<std::path::PathBuf> {
    let example = |folder: &Path| folder.join(format!("examples/item_{item}.rs")).is_file();
    crates()
        .into_iter()
        .filter(|folder| example(folder))
        .collect()
}

#[test]
fn every_item_has_a_page_and_an_example_that_is_a_test() {
    let mut wrong = Vec::new();
    for item in 52..=64 {
        let page = root().join(format!("docs/items/item-{item}.md"));
        let text = if page.is_file() {
            read(&page)
        } else {
            String::new()
        };
        let missing = SECTIONS
            .iter()
            .filter(|section| !text.lines().any(|line| line == **section));
        wrong.extend(missing.map(|section| format!("Item {item} has no `{section}`")));
        let homes = with_example(item);
        if homes.is_empty() {
            wrong.push(format!("Item {item} has no example item_{item}.rs"));
        }
        for home in homes {
            let name = super::name(&home);
            let test = home.join(format!("tests/item_{item}.rs"));
            if !test.is_file() {
                wrong.push(format!("item_{item} of {name} has no test"));
            }
            if !text.contains(&format!("crates/{name}/examples/item_{item}.rs")) {
                wrong.push(format!(
                    "Item {item} does not link to the example of {name}"
                ));
            }
        }
    }
    none(wrong, "Items that are not complete");
}

#[test]
fn excerpts_may_be_indented_in_their_file_and_no_more() {
    let text = [
        "fn f() {",
        "    let a = 1;",
        "",
        "    if a {",
        "        b();",
        "    }",
        "}",
    ];
    assert!(has_lines(
        &text,
        &["let a = 1;", "", "if a {", "    b();", "}"]
    ));
    assert!(has_lines(&text, &text));
    assert!(!has_lines(&text, &["let a = 1;", "if a {"]));
    assert!(!has_lines(&text, &["if a {", "b();"]));
}

#[test]
fn excerpt_without_its_last_brace_is_not_balanced() {
    assert!(is_balanced(&["fn f() {", "    g([1, 2]);", "}"]));
    assert!(!is_balanced(&["fn f() {", "    7"]));
    assert!(!is_balanced(&["    7", "}"]));
    assert!(!is_balanced(&["f(]"]));
}
