//! The packages to check again after a change.
//!
//! The scope is sound because it follows the path dependencies that cargo reports, the links in the
//! tree, and the few tests that read the files of other packages. A path that it does not recognise
//! puts everything in scope.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::packages::Member;

/// The scope of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything, and the path that is the reason if there is one.
    All(Option<PathBuf>),
    /// A part of the workspace.
    Some(Touched),
}

/// The things that some changes can affect, beside the checks of all files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// Packages to check completely.
    pub(super) packages: BTreeSet<String>,
    /// Whether pages of the book or at the top changed, which [`PAGE_TESTS`] check.
    pub(super) pages: bool,
}

/// A symbolic link: its path and its target, both relative to the root and without `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) at: PathBuf,
    pub(super) to: PathBuf,
}

/// The tests that read pages of the book or at the top, by package.
pub(super) const PAGE_TESTS: [(&str, &[&str]); 5] = [
    (
        "xtask",
        &["tidy", "workloads_page", "kernel_files", "foreign", "items"],
    ),
    ("workload-line-server", &["ports"]),
    ("threads-compare", &["line_server"]),
    ("tokio-tasks-compare", &["line_server"]),
    ("async-std-tasks-compare", &["line_server"]),
];

/// Packages whose tests read files of a package that they do not depend on. A test searches for
/// others, here and in [`PAGE_TESTS`].
const READERS: [(&str, &str); 3] = [
    ("crates/threads/examples", "workload-line-server"),
    ("crates/tokio-tasks/examples", "workload-line-server"),
    ("crates/async-std-tasks/examples", "workload-line-server"),
];

/// Paths that can affect everything: the gate itself, and the programs that every comparison
/// starts.
const EVERYWHERE: [&str; 2] = ["xtask/src/ci", "crates/workload/compare"];

/// The scope of these changes. All paths are relative to the root.
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
        // A manifest decides what is linked into a runner, and a test of xtask compares all
        // runners.
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

/// The changed paths, and all links that lead to or through one of them.
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

/// The package whose folder contains the path. Packages are nested, so the innermost one counts.
fn owner<'a>(members: &'a [Member], path: &Path) -> Option<&'a Member> {
    members
        .iter()
        .filter(|member| path.starts_with(&member.folder))
        .max_by_key(|member| member.folder.components().count())
}

/// The packages and all their dependants.
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

/// Resolves a link in this folder without following other links. `None` if it leads out of the
/// root.
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
