//! `cargo xtask build`, and the runners for a comparison.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cargo;
use crate::error::Error;
use crate::packages::{Packages, workspace};

/// The programs of each crate's runner package: by crate, then by the program's name.
pub type Runners = BTreeMap<String, BTreeMap<String, PathBuf>>;

/// Builds the runners of these crates, of all if none is named; a crate without a runner is built as it is.
///
/// # Errors
/// [`Error::Usage`] for an unknown crate, [`Error::Failed`] if one does not build; the rest is then left unbuilt.
pub fn build(packages: &Packages, names: &[String]) -> Result<(), Error> {
    for package in packages.select(names)? {
        match package.runner() {
            Some(runner) => {
                for (name, path) in cargo::build_bins(&runner, true)? {
                    eprintln!("built {name}: {}", path.display());
                }
            }
            None => cargo::run(cargo::command().args([
                "build",
                "--release",
                "--package",
                &package.name,
            ]))?,
        }
    }
    Ok(())
}

/// Builds the runner packages of these crates for release, each by itself, and says where their programs are.
///
/// Crates that have no runner are not in the answer. With no names, all crates are meant.
///
/// # Errors
/// As [`build`].
pub fn build_runners(names: &[&str]) -> Result<Runners, Error> {
    let packages = workspace()?;
    let mut runners = Runners::new();
    for package in packages.select(names)? {
        if let Some(runner) = package.runner() {
            runners.insert(package.name.clone(), cargo::build_bins(&runner, true)?);
        }
    }
    Ok(runners)
}
