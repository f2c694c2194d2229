//! The check of `new model`: in a copy of the checkout, a new model passes the checks and is
//! compared as it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::checks::folder;
use super::log::Log;
use crate::cargo;
use crate::error::Error;
use crate::packages::Packages;

/// The model that is made.
const NAME: &str = "first-try";

/// Copies the files that git knows or would add, makes a model there, and checks it.
pub(super) fn check(
    packages: &Packages,
    log: &mut Log,
    xtask: &Path,
    scratch: &Path,
) -> Result<(), Error> {
    let copy = scratch.join("new-model");
    let mut list = Command::new("git");
    list.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = log.output(list.current_dir(&packages.root))?;
    copy_files(&packages.root, &copy, &listed)
        .map_err(|error| Error::io(format_args!("cannot copy to {}", copy.display()), &error))?;
    let there = |program: &Path, args: &[&str]| {
        let mut command = cargo::cleaned(program);
        command
            .args(args)
            .current_dir(&copy)
            .env("CARGO_TARGET_DIR", folder(packages, "new-model"));
        command
    };
    log.run(&mut there(xtask, &["new", "model", NAME]))?;
    let cargo = PathBuf::from(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let (package, runner) = (format!("effective-{NAME}"), format!("{NAME}-compare"));
    let both = ["--package", &package, "--package", &runner];
    let job = ["--package", "workload-job"];
    let format = [&["fmt", "--check"][..], &both, &job].concat();
    log.run(&mut there(&cargo, &format))?;
    let lints = [
        &["clippy", "--locked"][..],
        &both,
        &["--all-targets", "--", "-D", "warnings"],
    ];
    log.run(&mut there(&cargo, &lints.concat()))?;
    let tests = [&["test", "--locked"][..], &both].concat();
    log.some_tests(&mut there(&cargo, &tests))?;
    let tests = [&["test", "--locked", "--test", "models"][..], &job].concat();
    log.some_tests(&mut there(&cargo, &tests))?;
    let tests = ["test", "--locked", "--package", "xtask", "--test", "tidy"];
    log.some_tests(&mut there(&cargo, &tests))?;
    let compare = ["compare", "gcd", "--smoke", "--model", NAME];
    log.run(&mut there(xtask, &compare))
}

/// Copies these files, separated by NUL; a link stays a link.
fn copy_files(from: &Path, to: &Path, listed: &[u8]) -> io::Result<()> {
    for path in listed
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
    {
        let path = std::str::from_utf8(path).map_err(io::Error::other)?;
        let (source, target) = (from.join(path), to.join(path));
        // Deleted, and not committed yet.
        let Ok(found) = source.symlink_metadata() else {
            continue;
        };
        fs::create_dir_all(target.parent().unwrap_or(to))?;
        if found.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if found.is_file() {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
