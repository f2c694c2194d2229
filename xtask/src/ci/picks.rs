//! Crates taken out of the workspace, standing alone.

use std::path::Path;

use super::in_workspace;
use super::log::Log;
use crate::cargo;
use crate::error::Error;
use crate::packages::{Crate, Packages};
use crate::pick;

/// That the crate, with its tests and examples, compiles where it stands, with no features but its own. Its tests have
/// passed in the tree; what is checked here is what came along.
pub(super) fn check(
    packages: &Packages,
    log: &mut Log,
    found: &Crate,
    scratch: &Path,
) -> Result<(), Error> {
    let (place, done) = pick::copy(packages, &found.name, &scratch.join(&found.name))?;
    log.say(done.trim_end());
    for features in [None, Some("--all-features")] {
        if features.is_some() && !found.has_features {
            continue;
        }
        let mut command = cargo::command();
        command
            .args(["check", "--locked", "--all-targets"])
            .args(features)
            .current_dir(&place)
            // Beside the lints, whose artifacts of many dependencies serve here too if the profile is the same. What an
            // earlier pick of the same name left is older than the files that were just written.
            .env("CARGO_TARGET_DIR", &packages.target)
            .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
        log.run(&mut command)?;
    }
    Ok(())
}

/// As a user picks it: built, and its tests run there.
pub(super) fn tested(
    packages: &Packages,
    log: &mut Log,
    xtask: &Path,
    found: &Crate,
    scratch: &Path,
) -> Result<(), Error> {
    let mut command = cargo::cleaned(xtask);
    command
        .args(["pick", &found.name])
        .arg(scratch.join(format!("{}-tested", found.name)))
        .current_dir(&packages.root);
    log.some_tests(&mut command)
}

/// The crate by itself, as it is by default, so that nothing leans on features that another package turns on.
pub(super) fn alone(packages: &Packages, log: &mut Log, found: &Crate) -> Result<(), Error> {
    let args = ["test", "--no-fail-fast", "--package", &found.name];
    log.some_tests(in_workspace(packages).args(args))?;
    if let Some(runner) = found.runner() {
        let args = ["test", "--no-fail-fast", "--package", &runner];
        log.some_tests(in_workspace(packages).args(args))?;
    }
    Ok(())
}
