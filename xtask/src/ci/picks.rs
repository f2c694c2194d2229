//! Checks of crates that are picked out of the workspace.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::in_workspace;
use super::log::Log;
use super::toolchain::host;
use crate::cargo;
use crate::error::Error;
use crate::packages::{Crate, Packages};
use crate::pick;

/// How long an example may take, its build included.
const EXAMPLE_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Checks that the picked crate, with its tests and examples, compiles on its own, with no features
/// but its own. Its tests have passed in the tree, so only the copied files are checked here.
pub(super) fn check(
    packages: &Packages,
    log: &mut Log,
    found: &Crate,
    scratch: &Path,
) -> Result<(), Error> {
    let (place, done) = pick::copy(packages, &found.name, &scratch.join(&found.name))?;
    log.say(done.trim_end());
    for features in [None, Some("--all-features")] {
        if features.is_some() && !found.has_features() {
            continue;
        }
        let mut command = cargo::command();
        command
            .args(["check", "--locked", "--all-targets"])
            .args(features)
            .current_dir(&place)
            // Shared with the lints, whose artifacts of many dependencies can be reused under the
            // same profile. Artifacts of an earlier pick of the same name are older than the files
            // just written.
            .env("CARGO_TARGET_DIR", &packages.target)
            .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
        log.run(&mut command)?;
    }
    Ok(())
}

/// Picks the crate as a user would, into an empty folder and into a workspace, offline; there its
/// tests and examples run, and it is packaged.
pub(super) fn tested(
    packages: &Packages,
    log: &mut Log,
    xtask: &Path,
    found: &Crate,
    scratch: &Path,
) -> Result<(), Error> {
    let mut fetch = in_workspace(packages);
    log.run(fetch.args(["fetch", "--locked", "--target", &host()?]))?;
    let pick = |place: &Path| {
        let mut command = cargo::cleaned(xtask);
        command
            .args(["pick", &found.name])
            .arg(place)
            .current_dir(&packages.root)
            .env("CARGO_NET_OFFLINE", "true");
        command
    };
    // The tests run before it is placed.
    let alone = scratch.join(format!("{}-tested", found.name));
    log.some_tests(&mut pick(&alone))?;
    examples(packages, log, found, &alone)?;
    package(packages, log, found, &alone)?;

    let foreign = scratch.join(format!("{}-foreign", found.name));
    let place = foreign.join("vendor").join(&found.name);
    write_workspace(&foreign, found)
        .map_err(|error| Error::io(format_args!("cannot write {}", foreign.display()), &error))?;
    log.run(pick(&place).arg("--no-test"))?;
    let depends = format!(
        "[dependencies]\n{} = {{ path = \"../vendor/{}\" }}\n",
        found.package, found.name
    );
    let app = foreign.join("app/Cargo.toml");
    fs::OpenOptions::new()
        .append(true)
        .open(&app)
        .and_then(|mut file| file.write_all(depends.as_bytes()))
        .map_err(|error| Error::io(app.display(), &error))?;
    log.run(&mut there(packages, &foreign, &["run", "--package", "app"]))?;
    let args = ["test", "--no-fail-fast", "--package", &found.package];
    log.some_tests(&mut there(packages, &foreign, &args))?;
    examples(packages, log, found, &place)?;
    package(packages, log, found, &place)
}

/// A workspace that differs from this one in its edition, its resolver and its lints.
fn write_workspace(folder: &Path, found: &Crate) -> io::Result<()> {
    fs::create_dir_all(folder.join("app/src"))?;
    fs::write(
        folder.join("Cargo.toml"),
        "# Ours.\n[workspace]\nresolver = \"2\"\nmembers = [\"app\"] # the program\n\n\
         [workspace.package]\nedition = \"2021\"\n\n[workspace.lints.rust]\nunsafe_code = \"forbid\"\n",
    )?;
    fs::write(
        folder.join("app/Cargo.toml"),
        "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition.workspace = true\n\n",
    )?;
    let text = format!(
        "fn main() {{\n    println!(\"uses {}\");\n}}\n",
        found.package
    );
    fs::write(folder.join("app/src/main.rs"), text)
}

/// Cargo in the folder of a pick, offline, with the builds of other picks.
fn there(packages: &Packages, folder: &Path, args: &[&str]) -> Command {
    let mut command = cargo::command();
    command
        .args(args)
        .arg("--offline")
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", packages.target.join("pick"))
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
    command
}

/// Runs the examples that are one file. Those in a folder are servers, which their own tests start.
fn examples(packages: &Packages, log: &mut Log, found: &Crate, place: &Path) -> Result<(), Error> {
    let mut names: Vec<String> = fs::read_dir(place.join("examples"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".rs")?.to_string()))
        .collect();
    names.sort();
    for name in names {
        let mut command = there(packages, place, &["run", "--quiet", "--example", &name]);
        command.args(found.has_features().then_some("--all-features"));
        log.say(&cargo::shown(&command));
        log.run_within(EXAMPLE_LIMIT, &mut command)?;
    }
    Ok(())
}

fn package(packages: &Packages, log: &mut Log, found: &Crate, place: &Path) -> Result<(), Error> {
    // A pick depends on what is nested in it by its path alone, which no registry takes. Both are
    // packaged in the checkout, as for a registry.
    if !packages.nested(found).is_empty() {
        return Ok(());
    }
    let mut command = there(packages, place, &["package", "--allow-dirty"]);
    command.args(["--package", &found.package]);
    log.run(&mut command)
}

/// Tests the crate by itself with default features, so that it cannot lean on features that another
/// package turns on.
pub(super) fn alone(packages: &Packages, log: &mut Log, found: &Crate) -> Result<(), Error> {
    let args = ["test", "--no-fail-fast", "--package", &found.package];
    log.some_tests(in_workspace(packages).args(args))?;
    if let Some(runner) = found.runner() {
        let args = ["test", "--no-fail-fast", "--package", &runner];
        log.some_tests(in_workspace(packages).args(args))?;
    }
    Ok(())
}
