//! The catalogue of faults, `docs/faults.md`, and the tests that are named after its numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::{files, none, read, root};

/// The names of the tests by their numbers, with the crate of each and whether it is in a file of
/// that crate, not a link.
fn tests() -> BTreeMap<u32, BTreeMap<(String, String), bool>> {
    let crates = root().join("crates");
    let mut found: BTreeMap<u32, BTreeMap<(String, String), bool>> = BTreeMap::new();
    for path in files(&crates, "rs") {
        let inside = path.strip_prefix(&crates).expect("inside");
        let folder = inside.iter().next().expect("a folder").to_string_lossy();
        for name in read(&path).lines().filter_map(function) {
            let number = name
                .strip_prefix("fault_")
                .and_then(|rest| rest.split('_').next());
            if let Some(number) = number.and_then(|number| number.parse().ok()) {
                let test = (folder.to_string(), name.to_string());
                let is_own = !path.is_symlink();
                found.entry(number).or_default().insert(test, is_own);
            }
        }
    }
    found
}

/// The name of the function that the line begins.
fn function(line: &str) -> Option<&str> {
    let mut line = line.trim_start();
    for prefix in ["pub ", "async "] {
        line = line.strip_prefix(prefix).unwrap_or(line);
    }
    line.strip_prefix("fn ")?.split('(').next()
}

/// The rows of the page: the number, and the tests that it names, each with its crate.
fn rows() -> Vec<(u32, BTreeSet<(String, String)>)> {
    read(&root().join("docs/faults.md"))
        .lines()
        .filter_map(|line| {
            let number = line.strip_prefix("| ")?.split(' ').next()?.parse().ok()?;
            let cell = line.trim_end().trim_end_matches('|').rsplit(" | ").next()?;
            let mut named = BTreeSet::new();
            for part in cell.split(';') {
                // Between backquotes: the crate, then its tests.
                let mut words = part.split('`').skip(1).step_by(2);
                let Some(folder) = words.next() else { continue };
                named.extend(words.map(|test| (folder.to_string(), test.to_string())));
            }
            Some((number, named))
        })
        .collect()
}

#[test]
fn every_fault_has_a_test_and_every_numbered_test_a_fault() {
    let (rows, tests) = (rows(), tests());
    assert!(rows.len() >= 40, "{} rows", rows.len());
    let mut wrong = Vec::new();
    let mut numbers = BTreeSet::new();
    for (number, named) in &rows {
        if !numbers.insert(number) {
            wrong.push(format!("fault {number} is there twice"));
        }
        if named.is_empty() {
            wrong.push(format!("fault {number} names no test"));
        }
        let empty = BTreeMap::new();
        let known = tests.get(number).unwrap_or(&empty);
        let missing = named.iter().filter(|test| !known.contains_key(test));
        wrong.extend(missing.map(|test| format!("fault {number} names {test:?}: no such test")));
        let own = known.iter().filter(|(_, is_own)| **is_own);
        let unnamed = own.filter(|(test, _)| !named.contains(test));
        wrong.extend(unnamed.map(|(test, _)| format!("fault {number} does not name {test:?}")));
    }
    for (number, tests) in tests.iter().filter(|(number, _)| !numbers.contains(number)) {
        wrong.push(format!("fault {number} of {tests:?} is not on the page"));
    }
    none(wrong, "docs/faults.md and the tests disagree");
}

#[test]
fn functions_are_found_behind_their_modifiers() {
    for line in [
        "fn a() {",
        "    pub fn a() {",
        "async fn a() {",
        "pub async fn a() {",
    ] {
        assert_eq!(function(line), Some("a"), "{line}");
    }
    assert_eq!(function("// fn a()"), None);
}

#[test]
fn numbers_of_faults_have_no_leading_zero() {
    let tests = tests();
    let padded = tests
        .values()
        .flat_map(BTreeMap::keys)
        .filter(|(_, name)| name.starts_with("fault_0"))
        .map(|(folder, name)| format!("{folder}: {name}"));
    none(padded.collect(), "names with a leading zero");
}
