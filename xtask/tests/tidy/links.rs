//! Symbolic links between crates: source that several crates need stands once.

use std::fs;
use std::path::{Path, PathBuf};

use super::{is_foreign, name, none, read, root};

/// The symbolic links below the folder, but for what is built.
fn links(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("a type");
        if kind.is_symlink() {
            found.push(entry.path());
        } else if kind.is_dir() && !is_foreign(&name(&entry.path())) {
            found.extend(links(&entry.path()));
        }
    }
    found.sort();
    found
}

/// A link to a folder, to a link, or out of the repository would not survive packaging, and a
/// linked file that names another by `..` would find a different one in the package.
#[test]
fn links_lead_to_plain_files_of_the_repository() {
    let root = fs::canonicalize(root()).expect("the root");
    let all = links(&root.join("crates"));
    assert!(all.len() > 20, "{} links", all.len());
    let mut wrong = Vec::new();
    for link in &all {
        let target = fs::read_link(link).expect("a link");
        let place = link.parent().expect("a folder").join(&target);
        let kind = fs::symlink_metadata(&place).map(|found| found.file_type());
        let inside = fs::canonicalize(link).is_ok_and(|path| path.starts_with(&root));
        let plain = kind.is_ok_and(|kind| kind.is_file());
        if !(target.is_relative() && inside && plain) {
            wrong.push(format!("{} -> {}", link.display(), target.display()));
        } else if link.extension().is_some_and(|ending| ending == "rs") {
            let text = read(link);
            let named = ["include_str!(\"..", "include_bytes!(\"..", "#[path = \".."];
            if named.iter().any(|mark| text.contains(mark)) {
                wrong.push(format!("{} names a file by `..`", link.display()));
            }
        }
    }
    none(wrong, "links that a package would not survive");
}

/// Equal source files would drift apart.
#[test]
fn no_two_crates_have_the_same_file_twice() {
    let root = root().join("crates");
    let mut seen: std::collections::BTreeMap<String, PathBuf> = Default::default();
    let mut wrong = Vec::new();
    for path in super::files(&root, "rs") {
        let is_link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        let text = read(&path);
        if is_link || text.lines().count() < 12 {
            continue;
        }
        if let Some(other) = seen.insert(text, path.clone()) {
            wrong.push(format!("{} and {}", other.display(), path.display()));
        }
    }
    none(wrong, "the same file twice; make one a link to the other");
}
