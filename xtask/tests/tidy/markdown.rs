//! The parts of a Markdown page that the rules look at: prose, links and headings.

use super::is_foreign;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// All pages of the repository, but for the history of changes, which names what is gone.
pub(super) fn pages() -> Vec<PathBuf> {
    let mut pages = super::all_files("md");
    pages.retain(|page| page.file_name().is_none_or(|name| name != "CHANGELOG.md"));
    pages.retain(|page| {
        let parts = page.strip_prefix(super::root()).expect("in the workspace");
        !parts.iter().any(|part| is_foreign(&part.to_string_lossy()))
    });
    pages
}

/// The lines outside of fenced blocks, with their numbers from 1.
pub(super) fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fence: Option<&str> = None;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let ticks = &trimmed[..trimmed.len() - trimmed.trim_start_matches('`').len()];
        match fence {
            Some(open) if ticks.len() >= open.len() && trimmed.trim_end() == ticks => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => found.push((index + 1, line)),
        }
    }
    found
}

/// The line without what stands between backquotes.
pub(super) fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// The targets of the links and pictures in a line of prose.
pub(super) fn links(line: &str) -> Vec<String> {
    let line = without_code(line);
    let targets = line.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_string())
        .collect()
}

/// The anchors of a page, as a forge and mdBook make them from its headings.
pub(super) fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, line) in prose(text) {
        let level = line.len() - line.trim_start_matches('#').len();
        if !(1..=6).contains(&level) || !line[level..].starts_with(' ') {
            continue;
        }
        let base = slug(&line[level + 1..]);
        let numbered = (1..).map(|number| format!("{base}-{number}"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        found.insert(names.find(|name| !found.contains(name)).expect("endless"));
    }
    found
}

fn slug(heading: &str) -> String {
    let mut text = String::new();
    // Of a link only its text counts.
    let mut rest = heading.trim();
    while let Some((before, after)) = rest.split_once("](") {
        text.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let letters = text.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        letter if letter.is_alphanumeric() => Some(letter),
        _ => None,
    });
    letters.flat_map(char::to_lowercase).collect()
}

#[test]
fn anchors_are_those_of_the_headings() {
    let text = "# A `b`, [c](d.md)!\n```\n# no\n```\n## A b c\n#none\n## Über uns\n";
    let expected = ["a-b-c", "a-b-c-1", "über-uns"].map(String::from);
    assert_eq!(anchors(text), BTreeSet::from(expected));
}

#[test]
fn links_in_code_are_no_links() {
    assert_eq!(
        links("see [a](b.md#c), `[d](e)` and ![f](g.svg)"),
        ["b.md#c", "g.svg"]
    );
}
