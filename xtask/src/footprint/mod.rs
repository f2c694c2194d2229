//! `cargo xtask footprint`: the dependencies of a crate, the unsafe code in them, and the time to
//! build all of it from nothing.

mod unsafe_lines;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::cargo;
use crate::cli::FootprintArgs;
use crate::error::Error;
use crate::files;
use crate::packages::{Crate, Packages};
use crate::render::splice;

/// The markers in a README.
const MARKER: &str = "footprint";

/// The most lines of a tree that are shown.
const MAX_LINES: usize = 40;

/// The limit on a source file; generated bindings are a few megabytes.
const MAX_SOURCE_BYTES: u64 = 16 << 20;

/// The limit on a README.
const MAX_README_BYTES: u64 = 1 << 20;

/// Counts and measures the crates one after another. Returns the text, and puts it into their
/// READMEs if that is wanted.
///
/// # Errors
/// [`Error::Usage`] for an unknown crate and a README without markers; [`Error::Failed`] if cargo
/// fails.
pub fn footprint(packages: &Packages, args: &FootprintArgs) -> Result<String, Error> {
    let crates = packages.select(&args.crates)?;
    let places = sources(packages)?;
    let mut all = String::new();
    for found in crates {
        eprintln!("{}: counting, and building it from nothing", found.name);
        let text = of(packages, found, &places)?;
        if args.write {
            let readme = found.manifest.with_file_name("README.md");
            write(&readme, &text)?;
        }
        let _ = writeln!(all, "{}\n\n{text}", found.name);
    }
    Ok(all)
}

fn write(readme: &Path, text: &str) -> Result<(), Error> {
    let bad = |why: &dyn std::fmt::Display| Error::Usage(format!("{}: {why}", readme.display()));
    let document = files::read_text(readme, MAX_README_BYTES).map_err(|error| bad(&error))?;
    let document = splice(&document, MARKER, text).map_err(|why| bad(&why))?;
    files::replace(readme, document.as_bytes()).map_err(|error| bad(&error))
}

/// The footprint of a crate as Markdown.
fn of(packages: &Packages, found: &Crate, places: &Places) -> Result<String, Error> {
    let mut text = String::new();
    let own = unsafe_in(&found.manifest.with_file_name("src"));
    let line = measure(packages, found, places, false)?;
    let _ = writeln!(
        text,
        "{line}; {} in this crate. `cargo xtask footprint {}` counts and builds again.",
        lines_of(own),
        found.name
    );
    if found.has_features() {
        let line = measure(packages, found, places, true)?;
        let _ = writeln!(text, "\nWith all features: {line}.");
    }
    let tree = tree(packages, found, false, "indent")?;
    let mut lines = tree.lines();
    // Its folder is one of this machine.
    let _ = write!(text, "\n```text\n{}\n", found.package);
    lines.next();
    let lines: Vec<&str> = lines.collect();
    for line in lines.iter().take(MAX_LINES) {
        let _ = writeln!(text, "{}", without_folder(line));
    }
    if lines.len() > MAX_LINES {
        let _ = writeln!(text, "… and {} more lines", lines.len() - MAX_LINES);
    }
    text.push_str("```\n");
    Ok(text)
}

/// One line about the tree: its size, its unsafe code, and how long it takes to build.
fn measure(
    packages: &Packages,
    found: &Crate,
    places: &Places,
    all_features: bool,
) -> Result<String, Error> {
    let tree = tree(packages, found, all_features, "none")?;
    let mut names: Vec<(&str, &str)> = tree.lines().skip(1).filter_map(package_of).collect();
    names.sort_unstable();
    names.dedup();
    let mut unsafe_lines = 0;
    for (name, version) in &names {
        let key = ((*name).to_string(), (*version).to_string());
        let place = places.get(&key).ok_or_else(|| {
            Error::Failed(format!("cargo metadata does not list {name} {version}"))
        })?;
        unsafe_lines += unsafe_in(&place.join("src"));
    }
    let time = build(packages, found, all_features)?;
    let crates = match names.len() {
        0 => "No other crate".to_string(),
        1 => "1 other crate".to_string(),
        count => format!("{count} other crates"),
    };
    let inside = if names.is_empty() {
        String::new()
    } else {
        format!(", with {}", lines_of(unsafe_lines))
    };
    Ok(format!(
        "{crates}{inside}; built from nothing in {:.1} s for debugging, on {} processors",
        time.as_secs_f64(),
        num_cpus::get()
    ))
}

fn lines_of(count: usize) -> String {
    match count {
        0 => "no unsafe code".to_string(),
        1 => "1 line of unsafe code".to_string(),
        count => format!("{count} lines of unsafe code"),
    }
}

/// The packages of a build, the crate itself first.
fn tree(
    packages: &Packages,
    found: &Crate,
    all_features: bool,
    prefix: &str,
) -> Result<String, Error> {
    let mut command = cargo::command();
    command
        .args([
            "tree",
            "--locked",
            "--edges",
            "normal,build",
            "--charset",
            "utf8",
        ])
        .args(["--prefix", prefix, "--package", &found.package])
        .args(all_features.then_some("--all-features"))
        .current_dir(&packages.root);
    let output = cargo::output(&mut command)?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

/// Name and version in `name v1.2.3 (folder) (*)`.
fn package_of(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    Some((name, words.next()?.strip_prefix('v')?))
}

/// The line without the folder of a package of this workspace.
fn without_folder(line: &str) -> String {
    match line.split_once(" (/") {
        None => line.trim_end().to_string(),
        Some((before, folder)) => {
            let after = folder.split_once(')').map_or("", |(_, after)| after);
            format!("{before}{after}").trim_end().to_string()
        }
    }
}

/// Builds the crate in a new folder.
fn build(packages: &Packages, found: &Crate, all_features: bool) -> Result<Duration, Error> {
    let target =
        tempfile::tempdir().map_err(|error| Error::io("cannot make a temporary folder", &error))?;
    let mut command = cargo::command();
    command
        .args(["build", "--quiet", "--locked", "--package", &found.package])
        .args(all_features.then_some("--all-features"))
        .arg("--target-dir")
        .arg(target.path())
        .current_dir(&packages.root);
    let since = Instant::now();
    cargo::run(&mut command)?;
    Ok(since.elapsed())
}

/// The folders of packages by name and version.
type Places = BTreeMap<(String, String), PathBuf>;

fn sources(packages: &Packages) -> Result<Places, Error> {
    let mut command = cargo::command();
    command
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(&packages.root);
    let output = cargo::output(&mut command)?;
    let metadata: Metadata = serde_json::from_slice(&output).map_err(|error| {
        Error::Failed(format!("cannot read what `cargo metadata` says: {error}"))
    })?;
    let place = |package: Package| {
        let folder = package.manifest_path.parent().map(Path::to_path_buf);
        ((package.name, package.version), folder.unwrap_or_default())
    };
    Ok(metadata.packages.into_iter().map(place).collect())
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

/// The lines of unsafe code in all sources below.
fn unsafe_in(folder: &Path) -> usize {
    let mut lines = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // A link to a folder could lead back here; one to a file is a source of this crate.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder {
            lines += unsafe_in(&path);
        } else if path.extension().is_some_and(|end| end == "rs")
            && let Ok(bytes) = files::read(&path, MAX_SOURCE_BYTES)
        {
            lines += unsafe_lines::count(&String::from_utf8_lossy(&bytes));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_from_the_lines_of_a_tree() {
        assert_eq!(package_of("serde v1.0.228"), Some(("serde", "1.0.228")));
        let line = "workload-kernels v0.1.0 (/home/me/x) (*)";
        assert_eq!(package_of(line), Some(("workload-kernels", "0.1.0")));
        assert_eq!(package_of("[build-dependencies]"), None);
        assert_eq!(without_folder(line), "workload-kernels v0.1.0 (*)");
        assert_eq!(
            without_folder("├── serde v1.0.0 (proc-macro)"),
            "├── serde v1.0.0 (proc-macro)"
        );
    }
}
