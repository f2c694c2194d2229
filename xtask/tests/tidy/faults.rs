//! The catalogue of faults, `docs/faults.md`, and the tests that are named after its numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::{files, none, read, root};

/// The names of the tests by their numbers, with the crate of each.
fn tests() -> BTreeMap<u32, BTreeSet<(String, String)>> {
    let crates = root().join("crates");
    let mut found: BTreeMap<u32, BTreeSet<(String, String)>> = BTreeMap::new();
    for path in files(&crates, "rs") {
        let inside = path.strip_prefix(&crates).expect("inside");
        let folder = inside.iter().next().expect("a folder").to_string_lossy();
        for name in read(&path)
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("fn "))
            .filter_map(|rest| rest.split('(').next())
        {
            let number = name
                .strip_prefix("fault_")
                .and_then(|rest| rest.split('_').next());
            if let Some(number) = number.and_then(|number| number.parse().ok()) {
                let test = (folder.to_string(), name.to_string());
                found.entry(number).or_default().insert(test);
            }
        }
    }
    found
}

/// The rows of the page: the number, the crate whose section it is in, and the text.
fn rows() -> Vec<(u32, String)> {
    read(&root().join("docs/faults.md"))
        .lines()
        .filter_map(|line| {
            let number = line.strip_prefix("| ")?.split(' ').next()?.parse().ok()?;
            Some((number, line.to_string()))
        })
        .collect()
}

#[test]
fn every_fault_has_a_test_and_every_numbered_test_a_fault() {
    let (rows, tests) = (rows(), tests());
    assert!(rows.len() >= 40, "{} rows", rows.len());
    let mut wrong = Vec::new();
    let numbers: BTreeSet<u32> = rows.iter().map(|(number, _)| *number).collect();
    for (number, row) in &rows {
        let named: Vec<&str> = row
            .split('`')
            .filter(|word| word.starts_with("fault_"))
            .collect();
        let known = tests.get(number);
        let exists =
            |name: &&str| known.is_some_and(|tests| tests.iter().any(|(_, test)| test == name));
        if named.is_empty() {
            wrong.push(format!("fault {number} names no test"));
        }
        let missing = named.iter().filter(|name| !exists(name));
        wrong.extend(missing.map(|name| format!("fault {number} names `{name}`: no such test")));
    }
    for (number, tests) in tests.iter().filter(|(number, _)| !numbers.contains(number)) {
        wrong.push(format!("fault {number} of {tests:?} is not on the page"));
    }
    none(wrong, "docs/faults.md and the tests disagree");
}

#[test]
fn numbers_of_faults_have_no_leading_zero() {
    let tests = tests();
    let padded = tests
        .values()
        .flatten()
        .filter(|(_, name)| name.starts_with("fault_0"))
        .map(|(folder, name)| format!("{folder}: {name}"));
    none(padded.collect(), "names with a leading zero");
}
