//! The book: its links, its table of contents, and the first page.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::markdown::{anchors, links, pages, prose};
use super::{files, none, read, root};

/// The lines of the README.
const MOST_LINES_OF_THE_README: usize = 150;

/// The files of the repository and their folders, by git, or nothing in a copy without history.
fn tracked() -> Option<BTreeSet<PathBuf>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .ok()?;
    let names = String::from_utf8(output.stdout).ok()?;
    let root = fs::canonicalize(root()).expect("the root");
    let mut found = BTreeSet::new();
    for file in names.split('\0').filter(|name| !name.is_empty()) {
        let file = root.join(file);
        let folders = file
            .ancestors()
            .take_while(|folder| folder.starts_with(&root));
        found.extend(folders.map(Path::to_path_buf));
    }
    (!found.is_empty()).then_some(found)
}

#[test]
fn every_link_leads_to_a_file_of_the_repository() {
    let root = fs::canonicalize(root()).expect("the root");
    let tracked = tracked();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in pages() {
        let text = read(&page);
        for (number, line) in prose(&text) {
            for link in links(line) {
                let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
                // Another site, or an item of the crate whose documentation the page is.
                if path.contains(':') || (!path.contains(['/', '.']) && !path.is_empty()) {
                    continue;
                }
                seen += 1;
                let place = match path {
                    "" => page.clone(),
                    path => page.parent().expect("a folder").join(path),
                };
                let found = fs::canonicalize(&place)
                    .ok()
                    .filter(|place| place.starts_with(&root));
                let place = found
                    .filter(|place| tracked.as_ref().is_none_or(|files| files.contains(place)));
                let problem = match place {
                    None => "no such file in the repository",
                    Some(place)
                        if !anchor.is_empty() && place.extension() == Some("md".as_ref()) =>
                    {
                        if anchors(&read(&place)).contains(anchor) {
                            continue;
                        }
                        "no such heading"
                    }
                    Some(_) => continue,
                };
                wrong.push(format!("{}:{number}: {link}: {problem}", page.display()));
            }
        }
    }
    assert!(seen > 100, "{seen} links");
    none(wrong, "dead links");
}

/// Readers of the built book find a page by `SUMMARY.md`, those of a forge by `README.md`.
#[test]
fn every_page_of_the_book_is_in_its_summary_once() {
    let docs = root().join("docs");
    let mut expected: Vec<String> = files(&docs, "md")
        .iter()
        .map(|page| {
            page.strip_prefix(&docs)
                .expect("inside")
                .to_string_lossy()
                .replace('\\', "/")
        })
        .filter(|page| page != "SUMMARY.md")
        .collect();
    let summary = read(&docs.join("SUMMARY.md"));
    let mut linked: Vec<String> = prose(&summary)
        .iter()
        .flat_map(|(_, line)| links(line))
        .collect();
    expected.sort();
    linked.sort();
    assert_eq!(
        linked, expected,
        "the links of docs/SUMMARY.md, and the pages"
    );
}

/// mdBook turns `x.md` in a link into `x.html`, and its pages lie in a folder beside `docs`. So
/// links to pages of the book and to anything else than pages lead somewhere from there as well.
#[test]
fn links_of_the_book_hold_when_it_is_built() {
    let docs = fs::canonicalize(root().join("docs")).expect("the book");
    let mut wrong = Vec::new();
    for page in files(&docs, "md") {
        if page.ends_with("SUMMARY.md") {
            continue;
        }
        let text = read(&page);
        for (number, line) in prose(&text) {
            for link in links(line) {
                let path = link.split('#').next().unwrap_or_default();
                if path.contains(':') || !path.ends_with(".md") {
                    continue;
                }
                let place = fs::canonicalize(page.parent().expect("a folder").join(path));
                let inside = place.is_ok_and(|place| place.starts_with(&docs));
                if !inside || path.ends_with("README.md") || path.ends_with("SUMMARY.md") {
                    wrong.push(format!("{}:{number}: {link}", page.display()));
                }
            }
        }
    }
    none(
        wrong,
        "dead in the built book: link to the folder, or to the page by its name",
    );
}

#[test]
fn the_readme_stays_short() {
    let lines = read(&root().join("README.md")).lines().count();
    assert!(
        lines < MOST_LINES_OF_THE_README,
        "README.md has {lines} lines"
    );
}
