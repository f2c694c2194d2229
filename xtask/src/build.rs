//! `cargo xtask build`, and the runners for a comparison.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cargo;
use crate::error::Error;
use crate::packages::{Crate, Packages, workspace};
use crate::rustflags;

/// The programs of each crate's runner package: by crate, then by the program's name.
pub type Runners = BTreeMap<String, BTreeMap<String, PathBuf>>;

/// Builds the runners of these crates, of all if none is named; a crate without a runner is built
/// as it is.
///
/// # Errors
/// [`Error::Usage`] for an unknown crate, [`Error::Failed`] if one does not build; the rest is then
/// left unbuilt.
pub fn build(packages: &Packages, names: &[String]) -> Result<(), Error> {
    let mut selected = packages.select(names)?;
    if names.is_empty() {
        selected.retain(|package| is_useful(package));
    }
    let flags = flags_here();
    for (place, package) in selected.iter().enumerate() {
        say(place, selected.len(), &package.name);
        match package.runner() {
            Some(runner) => {
                for (name, path) in cargo::build_runner(&runner, flags.as_deref())? {
                    eprintln!("built {name}: {}", path.display());
                }
            }
            None => cargo::run(cargo::command().args([
                "build",
                "--release",
                "--package",
                &package.package,
            ]))?,
        }
    }
    Ok(())
}

/// Builds the runner packages of these crates for release, each by itself, and says where their
/// programs are.
///
/// Crates that have no runner are not in the answer. With no names, all crates are meant.
///
/// # Errors
/// As [`build`].
pub fn build_runners(names: &[&str]) -> Result<Runners, Error> {
    let packages = workspace()?;
    let mut runners = Runners::new();
    let with_runner: Vec<_> = packages
        .select(names)?
        .into_iter()
        .filter_map(|package| Some((package, package.runner()?)))
        .collect();
    let flags = flags_here();
    for (place, (package, runner)) in with_runner.iter().enumerate() {
        say(place, with_runner.len(), &package.name);
        runners.insert(
            package.name.clone(),
            cargo::build_runner(runner, flags.as_deref())?,
        );
    }
    Ok(runners)
}

/// Whether the runner can take part here: nobody waits for the dependencies of one that cannot.
fn is_useful(package: &Crate) -> bool {
    let lack = package.declared.lack();
    if let Some(why) = &lack {
        eprintln!("skipped: {}: {why}", package.name);
    }
    lack.is_none()
}

/// The compiler flags of the runners, where cargo is called.
fn flags_here() -> Option<String> {
    rustflags::of_runners(&std::env::current_dir().ok()?)
}

/// How far the build is. A line each and no bar, since cargo has its own, and prints above it.
fn say(place: usize, of: usize, name: &str) {
    eprintln!("building {} of {of}: {name}", place + 1);
}
