//! From changed paths to the packages that have to be looked at again.
//!
//! Sound because it follows what cargo knows (which package depends on which by path), the links in the tree, and the
//! few tests that read the files of other packages. Whatever it does not recognise means everything.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::packages::Member;

/// What a run looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything, and the path that is the reason if there is one.
    All(Option<PathBuf>),
    /// Some of it.
    Some(Touched),
}

/// What some changes can have touched, beside what holds for the files of the whole workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// Packages of which everything has to be looked at again.
    pub(super) packages: BTreeSet<String>,
    /// Whether pages of the book or at the top changed, for which there are [`PAGE_TESTS`].
    pub(super) pages: bool,
}

/// A link in the tree: its path, and the path it leads to, both seen from the root and without `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) at: PathBuf,
    pub(super) to: PathBuf,
}

/// The tests that read pages of the book or at the top, by their package.
pub(super) const PAGE_TESTS: [(&str, &[&str]); 5] = [
    (
        "xtask",
        &["tidy", "workloads_page", "kernel_files", "foreign"],
    ),
    ("workload-compare", &["line_servers"]),
    ("threads-compare", &["line_server"]),
    ("tokio-tasks-compare", &["line_server"]),
    ("async-std-tasks-compare", &["line_server"]),
];

/// Packages whose tests read files of a package that they do not depend on. A test looks for others, here and in
/// [`PAGE_TESTS`].
const READERS: [(&str, &str); 3] = [
    ("crates/threads/examples", "workload-compare"),
    ("crates/tokio-tasks/examples", "workload-compare"),
    ("crates/async-std-tasks/examples", "workload-compare"),
];

/// Paths whose change can touch anything: the gate itself, and the programs that every comparison starts.
const EVERYWHERE: [&str; 2] = ["xtask/src/ci", "crates/workload/compare"];

/// What these changes can have touched. All paths are seen from the root.
pub(super) fn scope(members: &[Member], changed: &BTreeSet<PathBuf>, links: &[Link]) -> Scope {
    let changed = through_links(changed, links);
    let mut touched = BTreeSet::new();
    let mut pages = false;
    for path in &changed {
        if EVERYWHERE.iter().any(|place| path.starts_with(place)) {
            return Scope::All(Some(path.clone()));
        }
        if path.starts_with("docs") || is_page_at_the_top(path) {
            pages = true;
            continue;
        }
        let reads = READERS.iter().filter(|(place, _)| path.starts_with(place));
        touched.extend(reads.map(|(_, package)| (*package).to_string()));
        // A manifest decides what is linked into a runner, which a test of xtask compares between all of them.
        if path.file_name().is_some_and(|name| name == "Cargo.toml") {
            touched.insert("xtask".to_string());
        }
        match owner(members, path) {
            Some(member) => _ = touched.insert(member.name.clone()),
            None => return Scope::All(Some(path.clone())),
        }
    }
    Scope::Some(Touched {
        packages: with_dependants(members, touched),
        pages,
    })
}

/// The changed paths, and the links that lead to one of them or through one of them.
fn through_links(changed: &BTreeSet<PathBuf>, links: &[Link]) -> BTreeSet<PathBuf> {
    let mut all = changed.clone();
    loop {
        let more: Vec<PathBuf> = links
            .iter()
            .filter(|link| !all.contains(&link.at))
            .filter(|link| {
                all.iter()
                    .any(|path| path.starts_with(&link.to) || link.to.starts_with(path))
            })
            .map(|link| link.at.clone())
            .collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

fn is_page_at_the_top(path: &Path) -> bool {
    path.components().count() == 1 && path.extension().is_some_and(|end| end == "md")
}

/// The package in whose folder the path is; the innermost, since packages are nested.
fn owner<'a>(members: &'a [Member], path: &Path) -> Option<&'a Member> {
    members
        .iter()
        .filter(|member| path.starts_with(&member.folder))
        .max_by_key(|member| member.folder.components().count())
}

/// The packages, and all that depend on one of them.
fn with_dependants(members: &[Member], mut packages: BTreeSet<String>) -> BTreeSet<String> {
    loop {
        let folders: BTreeSet<&PathBuf> = members
            .iter()
            .filter(|member| packages.contains(&member.name))
            .map(|member| &member.folder)
            .collect();
        let more: Vec<String> = members
            .iter()
            .filter(|member| !packages.contains(&member.name))
            .filter(|member| member.depends_on.iter().any(|on| folders.contains(on)))
            .map(|member| member.name.clone())
            .collect();
        if more.is_empty() {
            return packages;
        }
        packages.extend(more);
    }
}

/// The path that a link in this folder leads to, with each `..` taken back. None if it leads out of the root.
pub(super) fn target(folder: &Path, to: &Path) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for component in folder.join(to).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            _ => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
#[path = "scope/tests.rs"]
mod tests;
