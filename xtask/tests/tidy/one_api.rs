//! `tokio-tasks` and `async-std-tasks` are one API: moving from one to the other is a change of one import.
//!
//! Each crate stands alone, so the same code stands in both. This keeps it the same: only the file that talks to the
//! runtime, in the sources and in the tests, may differ, and the names of the crate and of the runtime elsewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The names of one runtime in examples of the documentation, and what the other calls the same.
const NAMES: [(&str, &str); 3] = [
    ("async_std_tasks", "tokio_tasks"),
    ("async_std::main", "tokio::main"),
    ("async_std::task::sleep", "tokio::time::sleep"),
];

fn crate_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates")
        .join(name)
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Rust files below `folder`, as paths within it.
fn sources(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in
            fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()))
        {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.insert(path.strip_prefix(folder).expect("below").to_path_buf());
            }
        }
    }
    found
}

/// The lines in which the files differ, once `rename` has gone over those of async-std.
fn differences(file: &Path, rename: impl Fn(&str) -> String) -> Vec<String> {
    let one = text(&crate_folder("tokio-tasks").join(file));
    let other = rename(&text(&crate_folder("async-std-tasks").join(file)));
    if one == other {
        return Vec::new();
    }
    let (mut one, mut other) = (one.lines(), other.lines());
    let mut found = Vec::new();
    let mut number = 0;
    loop {
        number += 1;
        match (one.next(), other.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => {
                let (one, other) = (one.unwrap_or_default(), other.unwrap_or_default());
                found.push(format!("{}:{number}: {one}  <>  {other}", file.display()));
            }
        }
    }
    if found.is_empty() {
        found.push(format!("{}: the ends of its lines", file.display()));
    }
    found
}

/// The names of the files below `part` in either crate, which have to be the same.
fn files_of_both(part: &str) -> Vec<PathBuf> {
    let [one, other] =
        ["tokio-tasks", "async-std-tasks"].map(|name| sources(&crate_folder(name).join(part)));
    assert_eq!(one, other, "{part}/ of the two crates");
    assert!(!one.is_empty(), "there is nothing in {part}/");
    one.into_iter()
        .map(|file| Path::new(part).join(file))
        .collect()
}

#[test]
fn the_tests_of_both_apis_are_the_same_but_for_one_import() {
    let mut found = Vec::new();
    for file in files_of_both("tests/api") {
        found.extend(differences(&file, str::to_owned));
    }
    let import =
        "tests/api/main.rs:3: use tokio_tasks as tasks;  <>  use async_std_tasks as tasks;";
    assert_eq!(found, [import], "{found:#?}");
}

#[test]
fn both_apis_are_the_same_code_but_for_the_runtime() {
    let renamed = |text: &str| {
        NAMES.iter().fold(text.to_owned(), |text, (other, one)| {
            text.replace(other, one)
        })
    };
    let mut files = files_of_both("src");
    let runtime = Path::new("src/runtime.rs");
    let all = files.len();
    files.retain(|file| file != runtime);
    assert_eq!(files.len() + 1, all, "{} is missing", runtime.display());
    files.extend(["tests/soak.rs", "tests/model_check.rs"].map(PathBuf::from));
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| differences(file, renamed))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
    // And the file that may differ is where the runtime is named, apart from examples in comments.
    for (name, names) in [
        ("tokio-tasks", "tokio::"),
        ("async-std-tasks", "async_std::"),
    ] {
        for file in &files {
            let text = text(&crate_folder(name).join(file));
            let outside = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .find(|line| line.contains(names));
            assert_eq!(outside, None, "{name}/{}", file.display());
        }
    }
}
