//! `tokio-tasks` and `async-std-tasks` are one API: moving from one to the other is a change of one
//! import.
//!
//! Every file that they share is a link in `async-std-tasks`. Only the files that name the crate or
//! its runtime are its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of `async-std-tasks` that are not links.
const OWN: [&str; 4] = [
    "src/lib.rs",
    "src/runtime.rs",
    "tests/example_link_checker.rs",
    "tests/runtime/mod.rs",
];

/// The files that only `tokio-tasks` has: tests of tokio itself, and of an example.
const TOKIO_ONLY: [&str; 3] = [
    "tests/item_61.rs",
    "tests/runtimes.rs",
    "tests/support/in_time.rs",
];

/// The names in `src/lib.rs` of `async-std-tasks`, and those of `tokio-tasks` for the same.
const NAMES: [(&str, &str); 2] = [
    ("async_std_tasks", "tokio_tasks"),
    ("async_std::main", "tokio::main"),
];

fn crate_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates")
        .join(name)
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Rust files below `src` and `tests` of a crate, as paths within it.
fn sources(name: &str) -> BTreeSet<PathBuf> {
    let root = crate_folder(name);
    let mut found = BTreeSet::new();
    let mut folders = vec![root.join("src"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                assert!(!path.is_symlink(), "{}: link files only", path.display());
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.insert(path.strip_prefix(&root).expect("below").to_path_buf());
            }
        }
    }
    found
}

fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn both_crates_have_the_same_files() {
    let tokio: BTreeSet<PathBuf> = sources("tokio-tasks")
        .into_iter()
        .filter(|file| !TOKIO_ONLY.iter().any(|only| file == Path::new(only)))
        .collect();
    assert!(tokio.len() > 20, "only {} files", tokio.len());
    assert_eq!(sources("async-std-tasks"), tokio);
}

#[test]
fn shared_files_are_links_to_tokio_tasks() {
    let mut own = BTreeSet::new();
    for file in sources("async-std-tasks") {
        let path = crate_folder("async-std-tasks").join(&file);
        if path.is_symlink() {
            let tokio = crate_folder("tokio-tasks").join(&file);
            assert_eq!(canonical(&path), canonical(&tokio), "{}", file.display());
        } else {
            own.insert(file);
        }
    }
    assert_eq!(own, OWN.map(PathBuf::from).into());
}

#[test]
fn shared_files_name_no_runtime() {
    for file in sources("async-std-tasks") {
        if OWN.iter().any(|own| file == Path::new(own)) {
            continue;
        }
        let text = text(&crate_folder("async-std-tasks").join(&file));
        let mut code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let named = code.find(|line| line.contains("tokio") || line.contains("async_std"));
        assert_eq!(named, None, "{}", file.display());
    }
}

#[test]
fn both_crates_export_the_same_names() {
    let lib = |name: &str| {
        let text = text(&crate_folder(name).join("src/lib.rs"));
        // The comments differ.
        let code = text.lines().filter(|line| !line.starts_with("///"));
        code.map(|line| format!("{line}\n")).collect::<String>()
    };
    let renamed = NAMES
        .iter()
        .fold(lib("async-std-tasks"), |text, (other, tokio)| {
            text.replace(other, tokio)
        });
    assert_eq!(renamed, lib("tokio-tasks"));
}
