//! Checks of crates that are picked out of the workspace.

use std::path::Path;

use super::in_workspace;
use super::log::Log;
use crate::cargo;
use crate::error::Error;
use crate::packages::{Crate, Packages};
use crate::pick;

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
        if features.is_some() && !found.has_features {
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

/// Picks the crate as a user would, with its build and its tests.
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
