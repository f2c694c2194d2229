//! The requirements of a registry on the manifests, and of `pick` on the READMEs.

use std::path::PathBuf;

use super::{all_files, crates, name, none, read, root};

/// The categories of crates.io that suit these crates.
const CATEGORIES: [&str; 8] = [
    "asynchronous",
    "concurrency",
    "data-structures",
    "development-tools::debugging",
    "development-tools::profiling",
    "development-tools::testing",
    "network-programming",
    "os",
];

/// The folders of the packages that could be published: the crates, and the packages inside them
/// that come along.
fn publishable() -> Vec<PathBuf> {
    let crates = root().join("crates");
    let mut found = Vec::new();
    for path in all_files("toml") {
        let folder = path.parent().expect("a folder");
        if name(&path) != "Cargo.toml" || !folder.starts_with(&crates) {
            continue;
        }
        let manifest: toml::Table = read(&path).parse().expect("a manifest");
        let package = manifest.get("package").and_then(toml::Value::as_table);
        if package.is_some_and(|package| !package.contains_key("publish")) {
            found.push(folder.to_owned());
        }
    }
    found
}

#[test]
fn all_crates_and_packages_that_come_along_are_publishable() {
    let found = publishable();
    let missing = crates()
        .into_iter()
        .filter(|folder| !found.contains(folder));
    none(
        missing.map(|folder| name(&folder)).collect(),
        "no `publish`",
    );
    assert!(found.contains(&root().join("crates/workload/kernels")));
}

#[test]
fn manifests_have_all_that_a_registry_wants() {
    let mut wrong = Vec::new();
    for folder in publishable() {
        let manifest: toml::Table = read(&folder.join("Cargo.toml"))
            .parse()
            .expect("a manifest");
        let package = manifest["package"].as_table().expect("a package");
        let mut check = |holds: bool, rule: &str| {
            if !holds {
                wrong.push(format!("{}: {rule}", name(&folder)));
            }
        };
        let text = |key: &str| {
            package
                .get(key)
                .and_then(toml::Value::as_str)
                .unwrap_or_default()
        };
        let list = |key: &str| -> Vec<&str> {
            let list = package.get(key).and_then(toml::Value::as_array);
            list.into_iter()
                .flatten()
                .filter_map(toml::Value::as_str)
                .collect()
        };
        let description = text("description");
        check(
            description.ends_with('.') && description.len() <= 160,
            "a description of one sentence",
        );
        check(
            text("readme") == "README.md" && folder.join("README.md").is_file(),
            "its readme",
        );
        let documentation = format!("https://docs.rs/{}", text("name"));
        check(
            text("documentation") == documentation,
            "documentation = its page on docs.rs",
        );
        let keywords = list("keywords");
        check((1..=5).contains(&keywords.len()), "one to five keywords");
        let is_keyword = |word: &&str| {
            word.len() <= 20
                && word.starts_with(|first: char| first.is_ascii_alphanumeric())
                && word
                    .chars()
                    .all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-')
        };
        check(
            keywords.iter().all(is_keyword),
            "keywords of up to 20 of a-z, 0-9 and -",
        );
        let categories = list("categories");
        check(
            (1..=5).contains(&categories.len()),
            "one to five categories",
        );
        check(
            categories.iter().all(|one| CATEGORIES.contains(one)),
            "categories that crates.io knows; new ones go into this test",
        );
        let docs = package
            .get("metadata")
            .and_then(|metadata| metadata.get("docs"));
        check(
            docs.is_some_and(|docs| docs.get("rs").is_some()),
            "[package.metadata.docs.rs]",
        );
    }
    none(wrong, "missing or wrong in Cargo.toml");
}

/// `cargo xtask pick` prints it.
#[test]
fn readmes_have_an_example_of_ten_lines() {
    let mut wrong = Vec::new();
    for folder in crates() {
        let readme = read(&folder.join("README.md"));
        let section = readme.split_once("\n## In ten lines\n\n```");
        let code = section.and_then(|(_, rest)| rest.split_once("\n")?.1.split_once("\n```\n"));
        let Some((code, _)) = code else {
            wrong.push(format!("{}: no such section", name(&folder)));
            continue;
        };
        let lines = code.lines().filter(|line| !line.is_empty()).count();
        if !(3..=10).contains(&lines) || !code.contains("fn main()") {
            wrong.push(format!("{}: {lines} lines", name(&folder)));
        }
    }
    none(
        wrong,
        "a whole program of up to ten lines under `## In ten lines`",
    );
}
