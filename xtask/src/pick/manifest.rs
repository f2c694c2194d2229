//! The manifest of a picked crate, as a person would have written it.
//!
//! Cargo's packaged manifest lists every target and turns their discovery off, so that a test added
//! to the folder would silently not run; and it opens with a notice for readers of a registry. Both
//! go where nothing else depends on them.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::File;
use super::inherit::{self, Mapped};
use crate::error::Error;

/// The order of sections in which people look for them; others follow.
const ORDER: [&str; 4] = ["package", "features", "dependencies", "dev-dependencies"];

/// A kind of target: its section, the key that turns discovery off, and its folder.
const KINDS: [(&str, &str, &str); 3] = [
    ("example", "autoexamples", "examples"),
    ("test", "autotests", "tests"),
    ("bench", "autobenches", "benches"),
];

/// Replaces the packaged `Cargo.toml` of the package `name` by one that says the same in fewer
/// words, after the line `header`. `nested` has the dependencies that are picked with it, and their
/// folders; `workspace` is the one to take values from.
pub(crate) fn make_plain(
    name: &str,
    header: &str,
    nested: &[(&str, String)],
    workspace: Option<&Table>,
    files: &mut BTreeMap<String, File>,
) -> Result<Mapped, Error> {
    let bad = |why: String| Error::Failed(format!("the packaged manifest of `{name}`: {why}"));
    let manifest = files
        .get("Cargo.toml")
        .ok_or_else(|| bad("is missing".to_string()))?;
    let text = std::str::from_utf8(&manifest.bytes).map_err(|error| bad(error.to_string()))?;
    let mut table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| bad(error.to_string()))?;
    for (dependency, folder) in nested {
        let entry = table
            .get_mut("dependencies")
            .and_then(|all| all.get_mut(dependency))
            .and_then(Value::as_table_mut)
            .ok_or_else(|| bad(format!("has no dependency `{dependency}`")))?;
        entry.insert("path".to_string(), Value::from(folder.as_str()));
    }
    let mut table = plain(table, files);
    // A copy for one project: `cargo publish` there must not send it anywhere.
    if let Some(package) = table.get_mut("package").and_then(Value::as_table_mut) {
        package.insert("publish".to_string(), false.into());
    }
    let mapped = workspace.map(|workspace| inherit::map(&mut table, workspace));
    let plain = write(table).map_err(|error| bad(error.to_string()))?;
    files.insert(
        "Cargo.toml".to_string(),
        File {
            bytes: format!("{header}\n\n{plain}").into_bytes(),
            executable: false,
        },
    );
    Ok(mapped.unwrap_or_default())
}

/// Drops what cargo finds by itself, judged by the files that come along.
fn plain(mut manifest: Table, files: &BTreeMap<String, File>) -> Table {
    for (section, switch, folder) in KINDS {
        if listed(manifest.get(section)) == Some(discovered(files, folder)) {
            manifest.remove(section);
            forget(&mut manifest, switch);
        }
    }
    let name = manifest
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(Value::as_str);
    let library = name.map(|name| target(&name.replace('-', "_"), "src/lib.rs"));
    if library.is_some() && manifest.get("lib").and_then(Value::as_table) == library.as_ref() {
        manifest.remove("lib");
        forget(&mut manifest, "autolib");
    }
    let has_programs = files
        .keys()
        .any(|path| path == "src/main.rs" || path.starts_with("src/bin/"));
    if !has_programs && !manifest.contains_key("bin") {
        forget(&mut manifest, "autobins");
    }
    if !files.contains_key("build.rs") {
        forget(&mut manifest, "build");
    }
    manifest
}

/// Removes a switch of `[package]` that is off.
fn forget(manifest: &mut Table, switch: &str) {
    if let Some(package) = manifest.get_mut("package").and_then(Value::as_table_mut)
        && package.get(switch) == Some(&Value::Boolean(false))
    {
        package.remove(switch);
    }
}

/// The targets of a section as name and path; none if one of them says more, such as
/// `harness = false`.
fn listed(section: Option<&Value>) -> Option<BTreeSet<(String, String)>> {
    let Some(section) = section else {
        return Some(BTreeSet::new());
    };
    section
        .as_array()?
        .iter()
        .map(|one| {
            let (name, path) = (one.get("name")?.as_str()?, one.get("path")?.as_str()?);
            (one.as_table() == Some(&target(name, path)))
                .then(|| (name.to_string(), path.to_string()))
        })
        .collect()
}

fn target(name: &str, path: &str) -> Table {
    [("name", name), ("path", path)]
        .map(|(key, value)| (key.to_string(), Value::from(value)))
        .into_iter()
        .collect()
}

/// The targets that cargo would find: `tests/NAME.rs` and `tests/NAME/main.rs`.
fn discovered(files: &BTreeMap<String, File>, folder: &str) -> BTreeSet<(String, String)> {
    files
        .keys()
        .filter_map(|path| {
            let inside = path.strip_prefix(folder)?.strip_prefix('/')?;
            let name = match inside.split_once('/') {
                None => inside.strip_suffix(".rs")?,
                Some((name, "main.rs")) => name,
                Some(_) => return None,
            };
            Some((name.to_string(), path.clone()))
        })
        .collect()
}

/// Section by section, since a table writes its keys in the order of the alphabet.
fn write(mut manifest: Table) -> Result<String, toml::ser::Error> {
    let mut sections = Vec::new();
    let mut section = |key: &str, value: Value| -> Result<(), toml::ser::Error> {
        let one: Table = [(key.to_string(), value)].into_iter().collect();
        sections.push(toml::to_string(&one)?);
        Ok(())
    };
    for key in ORDER {
        if let Some(value) = manifest.remove(key) {
            section(key, value)?;
        }
    }
    for (key, value) in manifest {
        section(&key, value)?;
    }
    Ok(sections.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGED: &str = r#"
# THIS FILE IS AUTOMATICALLY GENERATED BY CARGO
[package]
name = "thread-pool"
version = "0.1.0"
build = false
publish = false
autolib = false
autobins = false
autoexamples = false
autotests = false
autobenches = false

[lib]
name = "thread_pool"
path = "src/lib.rs"

[[test]]
name = "map"
path = "tests/map.rs"

[[test]]
name = "deep"
path = "tests/deep/main.rs"

[dependencies.tokio]
version = "1"

[lints.rust]
missing_docs = "warn"
"#;

    fn files(paths: &[&str]) -> BTreeMap<String, File> {
        paths
            .iter()
            .map(|path| {
                (
                    (*path).to_string(),
                    File {
                        bytes: Vec::new(),
                        executable: false,
                    },
                )
            })
            .collect()
    }

    fn rewritten(packaged: &str, paths: &[&str]) -> String {
        write(plain(packaged.parse().unwrap(), &files(paths))).unwrap()
    }

    #[test]
    fn targets_that_cargo_discovers_are_not_listed() {
        let text = rewritten(
            PACKAGED,
            &[
                "src/lib.rs",
                "tests/map.rs",
                "tests/deep/main.rs",
                "tests/deep/more.rs",
            ],
        );
        assert_eq!(
            text,
            "[package]\nname = \"thread-pool\"\npublish = false\nversion = \"0.1.0\"\n\n\
             [dependencies.tokio]\nversion = \"1\"\n\n\
             [lints.rust]\nmissing_docs = \"warn\"\n"
        );
    }

    #[test]
    fn targets_that_cargo_would_not_find_stay_listed() {
        // A file that was no test must not become one.
        let text = rewritten(
            PACKAGED,
            &[
                "src/lib.rs",
                "tests/map.rs",
                "tests/deep/main.rs",
                "tests/helper.rs",
            ],
        );
        assert!(
            text.contains("autotests = false") && text.contains("path = \"tests/map.rs\""),
            "{text}"
        );
        assert!(!text.contains("autoexamples"), "{text}");
    }

    #[test]
    fn a_target_with_settings_stays_listed() {
        let packaged = PACKAGED.replace(
            "path = \"tests/map.rs\"",
            "path = \"tests/map.rs\"\nharness = false",
        );
        let text = rewritten(
            &packaged,
            &["src/lib.rs", "tests/map.rs", "tests/deep/main.rs"],
        );
        assert!(
            text.contains("harness = false") && text.contains("autotests = false"),
            "{text}"
        );
    }

    #[test]
    fn programs_and_build_scripts_keep_their_switches() {
        let paths = [
            "src/lib.rs",
            "src/main.rs",
            "build.rs",
            "tests/map.rs",
            "tests/deep/main.rs",
        ];
        let text = rewritten(PACKAGED, &paths);
        assert!(
            text.contains("autobins = false") && text.contains("build = false"),
            "{text}"
        );
    }
}
