//! Checks of what a registry would get: packages, features, minimal versions, interfaces.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::checks::folder;
use super::in_workspace;
use super::log::Log;
use super::toolchain::answers;
use crate::cargo;
use crate::error::Error;
use crate::packages::{Crate, Packages};
use crate::pick;

/// The most features whose combinations are all built: 64 builds.
const MOST_FEATURES: usize = 6;

/// The warning that a dry run cannot do without.
const DRY: &str = "aborting upload due to dry run";

/// Packages the crates without building them. Cargo warns of what a registry would miss.
pub(super) fn packages(packages: &Packages, log: &mut Log, crates: &[&Crate]) -> Result<(), Error> {
    let mut command = in_workspace(packages);
    command.args(["package", "--no-verify", "--allow-dirty", "--offline"]);
    select(packages, crates, &mut command);
    command
        .arg("--target-dir")
        .arg(folder(packages, "packages"));
    without_warning(log, &mut command)
}

/// Does all but the upload: packages the crates and builds each one from its package.
pub(super) fn dry_run(packages: &Packages, log: &mut Log) -> Result<(), Error> {
    let crates: Vec<&Crate> = packages.crates.iter().collect();
    let mut command = in_workspace(packages);
    command.args(["publish", "--dry-run", "--allow-dirty"]);
    select(packages, &crates, &mut command);
    command
        .arg("--target-dir")
        .arg(folder(packages, "packages"));
    without_warning(log, &mut command)
}

fn select(packages: &Packages, crates: &[&Crate], command: &mut Command) {
    for found in crates {
        command.args(["--package", &found.package]);
        for member in packages.nested(found) {
            command.args(["--package", &member.name]);
        }
    }
}

/// Builds the library with every combination of its features but the full one, which the lints
/// build.
pub(super) fn features(packages: &Packages, log: &mut Log, found: &Crate) -> Result<(), Error> {
    if found.features.len() > MOST_FEATURES {
        return Err(Error::Failed(format!(
            "`{}` has {} features, whose combinations are too many to build",
            found.name,
            found.features.len()
        )));
    }
    for features in combinations(&found.features) {
        let mut command = in_workspace(packages);
        command
            .args(["check", "--lib", "--no-default-features", "--package"])
            .args([&found.package, "--features", &features.join(",")]);
        log.say(&cargo::shown(&command));
        without_warning(log, &mut command)?;
    }
    Ok(())
}

/// All subsets but the whole set.
fn combinations(features: &[String]) -> Vec<Vec<&str>> {
    let count = 1_usize << features.len();
    let subset = |bits: usize| {
        let chosen = features.iter().enumerate();
        let chosen = chosen.filter(|(at, _)| bits & (1 << at) != 0);
        chosen.map(|(_, name)| name.as_str()).collect()
    };
    (0..count - 1).map(subset).collect()
}

/// Builds the library alone with the lowest versions that its manifest admits. Cargo has this
/// resolver behind a flag of nightly, which the variable admits for this one call only.
pub(super) fn minimal_versions(
    packages: &Packages,
    log: &mut Log,
    found: &Crate,
    scratch: &Path,
) -> Result<(), Error> {
    let place = scratch.join(format!("{}-minimal", found.name));
    let (place, _) = pick::copy(packages, &found.name, &place)?;
    let lock = place.join("Cargo.lock");
    fs::remove_file(&lock).map_err(|error| Error::io(lock.display(), &error))?;
    let there = |args: &[&str]| {
        let mut command = cargo::command();
        command.args(args).current_dir(&place);
        command.env("CARGO_TARGET_DIR", folder(packages, "minimal-versions"));
        command
    };
    let mut resolve = there(&["update", "-Z", "direct-minimal-versions"]);
    log.run(resolve.env("RUSTC_BOOTSTRAP", "1"))?;
    log.run(&mut there(&[
        "check",
        "--locked",
        "--lib",
        "--all-features",
    ]))
}

/// The reason why interfaces cannot be compared here, if they cannot.
pub(super) fn no_public_api() -> Option<String> {
    let mut command = api_tool();
    command.arg("--version");
    let is_there = answers(&mut command);
    let reason = "`cargo +nightly public-api` is not installed: run `rustup toolchain install nightly` and `cargo install \
                  cargo-public-api`";
    (is_there != Ok(true)).then(|| reason.to_string())
}

/// The reason why this interface cannot be compared, if it cannot: none was committed yet.
pub(super) fn no_snapshot(packages: &Packages, found: &Crate) -> Option<String> {
    let snapshot = snapshot(&packages.root, found);
    (!snapshot.is_file()).then(|| {
        format!(
            "the interface of `{}`: there is no {}; `cargo +nightly public-api -sss --all-features --color never \
             --package {}` prints it",
            found.name,
            snapshot.display(),
            found.package
        )
    })
}

/// Compares the interface of a crate with the one that was committed, so that a change is seen.
pub(super) fn public_api(packages: &Packages, log: &mut Log, found: &Crate) -> Result<(), Error> {
    let snapshot = snapshot(&packages.root, found);
    let mut command = listing(packages, found);
    let now = log.output(&mut command)?;
    let before = fs::read(&snapshot).unwrap_or_default();
    if now == before {
        return Ok(());
    }
    let fresh = folder(packages, "public-api").join(format!("{}.txt", found.name));
    fs::write(&fresh, &now).map_err(|error| Error::io(fresh.display(), &error))?;
    let mut diff = Command::new("diff");
    diff.arg("-u").arg(&snapshot).arg(&fresh);
    diff.stdin(Stdio::null());
    // It ends with 1, as the files differ.
    let _ = log.run(&mut diff);
    Err(Error::Failed(format!(
        "the interface of `{}` changed: if it is meant to, cp {} {}",
        found.name,
        fresh.display(),
        snapshot.display()
    )))
}

fn snapshot(root: &Path, found: &Crate) -> PathBuf {
    root.join("xtask/public-api")
        .join(format!("{}.txt", found.name))
}

/// Lists the interface with all features, without the traits that every type has.
fn listing(packages: &Packages, found: &Crate) -> Command {
    let mut command = api_tool();
    command
        .args(["-sss", "--all-features", "--color", "never"])
        .args(["--package", &found.package])
        .current_dir(&packages.root)
        .env("CARGO_TARGET_DIR", folder(packages, "public-api"));
    command
}

/// It reads what only a nightly rustdoc writes.
fn api_tool() -> Command {
    let mut command = cargo::cleaned("rustup");
    command.args(["run", "nightly", "cargo", "public-api"]);
    // Rustup passes the current toolchain on in these variables.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command
}

/// Runs a command that must succeed and warn of nothing.
fn without_warning(log: &mut Log, command: &mut Command) -> Result<(), Error> {
    let before = log.text.len();
    log.run(command)?;
    let text = String::from_utf8_lossy(&log.text[before..]);
    match warning(&text) {
        None => Ok(()),
        Some(line) => Err(Error::Failed(format!(
            "`{}`: {line}",
            cargo::shown(command)
        ))),
    }
}

fn warning(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim_start);
    lines
        .find(|line| line.starts_with("warning") && !line.contains(DRY))
        .map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_combined_in_every_way_but_all() {
        let features = ["a", "b"].map(str::to_string);
        let none: Vec<&str> = Vec::new();
        assert_eq!(combinations(&features), [none, vec!["a"], vec!["b"]]);
        assert_eq!(combinations(&features[..1]).len(), 1);
    }

    #[test]
    fn warnings_are_found_but_for_that_of_a_dry_run() {
        assert_eq!(
            warning("   Packaged 3 files\nwarning: aborting upload due to dry run\n"),
            None
        );
        let missing = "warning: manifest has no documentation, homepage or repository";
        assert_eq!(
            warning(&format!("a\n{missing}\nb")).as_deref(),
            Some(missing)
        );
        assert!(warning("warning[unused]: x").is_some());
    }
}
