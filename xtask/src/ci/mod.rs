//! `cargo xtask ci`: all that must hold for a commit, up to the first thing that does not.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::cargo;
use crate::error::Error;
use crate::packages::Packages;
use crate::test::{print, test_with};
use crate::{pick, report};

mod deep;
mod steps;

use steps::Steps;

/// Runs the steps in the order in which a fault is cheapest to find.
///
/// # Errors
/// [`Error::Failed`] names the step that failed; those after it do not run. [`Error::Interrupted`].
pub fn ci(packages: &Packages) -> Result<(), Error> {
    // Before any step: the tests build this program again, and then its path leads to the new one.
    let xtask =
        std::env::current_exe().map_err(|error| Error::io("cannot find this program", &error))?;
    // Outside the workspace, since a picked crate must stand alone.
    let scratch = tempfile::Builder::new()
        .prefix("xtask-ci-")
        .tempdir()
        .map_err(|error| Error::io("cannot make a temporary folder", &error))?;
    let scratch = scratch.path();
    let mut steps = Steps::begin();

    steps.step("format", || {
        installed("fmt", "rustfmt")?;
        cargo::run(in_workspace(packages).args(["fmt", "--all", "--check"]))
    })?;
    steps.step("lints", || {
        installed("clippy", "clippy")?;
        let args = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        cargo::run(in_workspace(packages).args(args))
    })?;
    steps.step("tests, each crate by itself", || {
        // A snapshot that differs fails its test; none is written.
        match test_with(packages, &[], &[("INSTA_UPDATE", "no")])? {
            0 => Ok(()),
            _ => Err(Error::Failed(
                "tests failed; the summary above says where".to_string(),
            )),
        }
    })?;
    steps.step("documentation", || {
        let flags = std::env::var("RUSTDOCFLAGS").unwrap_or_default();
        let flags = format!("{flags} -Dwarnings").trim_start().to_string();
        cargo::run(
            in_workspace(packages)
                .args(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", flags),
        )
    })?;
    deep::all(packages, &mut steps)?;
    let output = scratch.join("compare");
    steps.step("a comparison of everything, cut short", || {
        compare(&xtask, packages, &output)
    })?;
    steps.step("its report", || {
        let text = report::report(&output.join("results.json"), None).map_err(Error::Failed)?;
        let lines = text.lines().count();
        print(format!("{lines} lines\n").as_bytes());
        if lines == 0 {
            Err(Error::Failed("the report is empty".to_string()))
        } else {
            Ok(())
        }
    })?;
    for package in &packages.crates {
        steps.step(
            &format!("`{}` picked, standing alone", package.name),
            || {
                let told = pick::pick(packages, &package.name, &scratch.join(&package.name))?;
                print(told.as_bytes());
                Ok(())
            },
        )?;
    }
    steps.end();
    Ok(())
}

/// Cargo in the workspace's root, whatever folder the user stands in.
fn in_workspace(packages: &Packages) -> Command {
    let mut command = cargo::command();
    command.current_dir(&packages.root);
    command
}

/// Says what to do where a component is missing, as on a machine with a minimal toolchain.
fn installed(subcommand: &str, component: &str) -> Result<(), Error> {
    let mut command = cargo::command();
    command
        .args([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) if cargo::interrupted(status) => Err(Error::Interrupted),
        _ => Err(Error::Failed(format!(
            "`cargo {subcommand}` is not installed: run `rustup component add {component}`"
        ))),
    }
}

/// A program of its own, as the user's is: it takes a lock, watches Ctrl-C and adopts the processes of its runners.
fn compare(xtask: &Path, packages: &Packages, output: &Path) -> Result<(), Error> {
    let status = Command::new(xtask)
        .args(["compare", "--smoke", "--output"])
        .arg(output)
        .current_dir(&packages.root)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Error::io(format_args!("cannot start {}", xtask.display()), &error))?;
    if status.success() {
        Ok(())
    } else if cargo::interrupted(status) {
        Err(Error::Interrupted)
    } else {
        Err(Error::Failed(format!(
            "`cargo xtask compare --smoke` failed ({status})"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_component_says_how_to_get_it() {
        let error = installed("no-such-command", "some-component").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("rustup component add some-component"),
            "{error}"
        );
    }
}
