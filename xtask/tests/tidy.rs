//! Rules for every file of the workspace that no compiler checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "tidy/book.rs"]
mod book;
#[path = "tidy/examples.rs"]
mod examples;
#[path = "tidy/faults.rs"]
mod faults;
#[path = "tidy/figures.rs"]
mod figures;
#[path = "tidy/flags.rs"]
mod flags;
#[path = "tidy/items.rs"]
mod items;
#[path = "tidy/language.rs"]
mod language;
#[path = "tidy/licences.rs"]
mod licences;
#[path = "tidy/links.rs"]
mod links;
#[path = "tidy/markdown.rs"]
mod markdown;
#[path = "tidy/one_api.rs"]
mod one_api;
#[path = "tidy/platforms.rs"]
mod platforms;
#[path = "tidy/registry.rs"]
mod registry;
#[path = "tidy/settings.rs"]
mod settings;

const MOST_LINES: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is in the workspace")
        .to_path_buf()
}

fn read(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The folders under `crates/`.
fn crates() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root().join("crates"))
        .expect("crates/")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned()
}

/// Whether the name is that of something which is not part of the source.
fn is_foreign(name: &str) -> bool {
    name.starts_with('.')
        || name == "node_modules"
        || name
            .strip_prefix("target")
            .is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
}

/// All files of the workspace with this ending.
fn all_files(ending: &str) -> Vec<PathBuf> {
    let top = fs::read_dir(root()).expect("the root");
    let mut found: Vec<PathBuf> = top
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|end| end == ending))
        .collect();
    for folder in ["crates", "xtask", "docs"] {
        found.extend(files(&root().join(folder), ending));
    }
    found
}

/// All files below with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry"))
    {
        let path = entry.path();
        if is_foreign(&name(&path)) {
            continue;
        }
        if entry.file_type().expect("a type").is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[track_caller]
fn none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn there_are_crates_to_look_at() {
    assert!(crates().len() >= 5, "{:?}", crates());
}

#[test]
fn every_crate_has_a_readme_that_is_its_documentation() {
    let mut missing = Vec::new();
    for folder in crates() {
        if !folder.join("README.md").is_file() {
            missing.push(format!("{}: README.md", name(&folder)));
        }
        if !read(&folder.join("src/lib.rs")).contains("#![doc = include_str!(\"../README.md\")]") {
            missing.push(format!(
                "{}: #![doc = include_str!(\"../README.md\")] in src/lib.rs",
                name(&folder)
            ));
        }
    }
    none(missing, "missing");
}

#[test]
fn every_crate_carries_the_licences_of_the_workspace() {
    let mut wrong = Vec::new();
    for folder in crates() {
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            if fs::read(folder.join(licence)).ok() != fs::read(root().join(licence)).ok() {
                wrong.push(format!("{}: {licence}", name(&folder)));
            }
        }
    }
    none(wrong, "missing, or other than the one at the top");
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    let mut wrong = Vec::new();
    for manifest in all_files("toml")
        .into_iter()
        .filter(|path| name(path) == "Cargo.toml")
    {
        let table: toml::Table = read(&manifest).parse().expect("a manifest");
        if !table.contains_key("package") {
            continue;
        }
        let lints = table
            .get("lints")
            .and_then(|lints| lints.get("workspace"))
            .and_then(toml::Value::as_bool);
        if lints != Some(true) {
            wrong.push(manifest.display().to_string());
        }
    }
    none(wrong, "without `[lints] workspace = true`");
}

#[test]
fn folders_packages_and_runners_are_named_alike() {
    let mut wrong = Vec::new();
    for folder in crates() {
        let model = name(&folder);
        for (place, expected) in [
            ("", format!("effective-{model}")),
            ("compare", format!("{model}-compare")),
            ("rivals", format!("{model}-rivals")),
        ] {
            let manifest = folder.join(place).join("Cargo.toml");
            if manifest.is_file() || place.is_empty() {
                let table: toml::Table = read(&manifest).parse().expect("a manifest");
                let found = table
                    .get("package")
                    .and_then(|package| package.get("name"))
                    .and_then(toml::Value::as_str);
                if found != Some(&expected) {
                    wrong.push(format!("{}: {found:?}, not {expected}", manifest.display()));
                }
            }
        }
    }
    none(wrong, "named otherwise than their folder");
}

/// The packages that `cargo metadata` reports with these arguments.
fn packages(args: &[&str]) -> Vec<serde_json::Value> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1"])
        .args(args)
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// The folder of a dependency that is picked together with the package in `folder`: one inside that
/// folder, and in plain `[dependencies]`, the only ones whose paths `pick` fills in.
fn nested<'d>(dependency: &'d serde_json::Value, folder: &Path) -> Option<&'d Path> {
    let plain = dependency["kind"].is_null() && dependency["target"].is_null();
    let path = Path::new(dependency["path"].as_str()?);
    (plain && path.starts_with(folder)).then_some(path)
}

/// The dependencies of a package that cargo reported.
fn dependencies(package: &serde_json::Value) -> &[serde_json::Value] {
    package["dependencies"].as_array().expect("dependencies")
}

/// A crate that leans on a neighbour cannot be picked.
#[test]
fn no_crate_depends_on_another_of_the_workspace() {
    let packages = packages(&["--no-deps"]);
    let names: BTreeSet<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let folders = crates();
    let is_crate = |package: &&serde_json::Value| {
        let manifest = package["manifest_path"].as_str().map(Path::new);
        let folder = manifest.and_then(Path::parent);
        folder.is_some_and(|folder| folders.iter().any(|one| one == folder))
    };
    let models: Vec<_> = packages.iter().filter(is_crate).collect();
    assert_eq!(models.len(), folders.len(), "each folder is a package");
    let mut wrong = Vec::new();
    for package in models {
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
        let folder = manifest.parent().expect("a folder");
        for dependency in dependencies(package) {
            if nested(dependency, folder).is_some() {
                continue;
            }
            let depends = dependency["name"]
                .as_str()
                .is_some_and(|name| names.contains(name));
            if depends || !dependency["path"].is_null() {
                wrong.push(format!("{} on {}", package["name"], dependency["name"]));
            }
        }
    }
    none(wrong, "depend on a package that does not come along");
}

/// Nor can one that includes a file from outside its folder; its runner and rivals stay behind and
/// may.
#[test]
fn no_crate_includes_a_file_from_outside() {
    let mut folders = crates();
    for package in packages(&["--no-deps"]) {
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
        let folder = manifest.parent().expect("a folder");
        if crates().iter().any(|one| one == folder) {
            let inside = dependencies(&package).iter();
            let inside = inside.filter_map(|dependency| nested(dependency, folder));
            folders.extend(inside.map(Path::to_path_buf));
        }
    }
    assert!(
        folders.contains(&root().join("crates/workload/kernels")),
        "{folders:?}"
    );
    let mut wrong = Vec::new();
    for folder in folders {
        for part in ["src", "tests", "examples", "benches"] {
            for path in files(&folder.join(part), "rs") {
                let depth = path
                    .strip_prefix(&folder)
                    .expect("inside")
                    .components()
                    .count()
                    - 1;
                let text = read(&path);
                let includes = ["include_", "#[path ="]
                    .iter()
                    .flat_map(|mark| text.split(mark).skip(1));
                for included in includes.filter_map(|rest| rest.split('"').nth(1)) {
                    let up = included.split('/').take_while(|step| *step == "..").count();
                    if up > depth {
                        wrong.push(format!("{}: {included}", path.display()));
                    }
                }
            }
        }
    }
    none(
        wrong,
        "included, and does not come along when the crate is picked",
    );
}

#[test]
fn the_readme_names_every_model() {
    let readme = read(&root().join("README.md"));
    let models = crates().into_iter().map(|folder| name(&folder));
    let missing = models.filter(|model| !readme.contains(&format!("`{model}`")));
    none(missing.collect(), "not in README.md, between backquotes");
}

#[test]
fn every_page_of_the_book_is_in_its_contents() {
    let docs = root().join("docs");
    let pages = files(&docs, "md");
    if pages.is_empty() {
        return;
    }
    let contents = read(&docs.join("README.md"));
    let missing = pages
        .iter()
        .map(|page| {
            page.strip_prefix(&docs)
                .expect("inside")
                .to_string_lossy()
                .replace('\\', "/")
        })
        .filter(|page| page != "README.md" && page != "SUMMARY.md")
        .filter(|page| {
            !contents.contains(&format!("({page}")) && !contents.contains(&format!("(./{page}"))
        });
    none(missing.collect(), "not linked from docs/README.md");
}

#[test]
fn source_files_stay_small() {
    let mut sources: Vec<PathBuf> = crates()
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .chain(files(&root().join("xtask"), "rs"))
        .collect();
    sources.retain(|path| path.iter().any(|part| part == "src"));
    assert!(
        sources.contains(&root().join("crates/workload/kernels/src/lib.rs")),
        "nested packages are looked at"
    );
    let long = sources
        .iter()
        .map(|path| (path, read(path).lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES);
    none(
        long.map(|(path, lines)| format!("{}: {lines}", path.display()))
            .collect(),
        &format!("longer than {MOST_LINES} lines"),
    );
}

#[test]
fn comments_wrap_at_100_columns() {
    let mut wide = Vec::new();
    for path in all_files("rs") {
        for (number, line) in read(&path).lines().enumerate() {
            if line.trim_start().starts_with("//") && line.chars().count() > 100 {
                wide.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    none(wide, "comments over 100 columns");
}

#[test]
fn nothing_is_left_to_do() {
    // Put together here, so that this file does not find itself.
    let unfinished = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("));
    let mut found = Vec::new();
    for folder in ["crates", "xtask"] {
        for path in files(&root().join(folder), "rs") {
            for (number, line) in read(&path).lines().enumerate() {
                if unfinished.iter().any(|mark| line.contains(mark)) {
                    found.push(format!(
                        "{}:{}: {}",
                        path.display(),
                        number + 1,
                        line.trim()
                    ));
                }
            }
        }
    }
    none(found, "unfinished");
}
