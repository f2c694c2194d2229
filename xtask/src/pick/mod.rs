//! `cargo xtask pick`: one crate, standing alone, built and tested where it stands.

mod apply;
mod manifest;
mod package;
mod place;
mod plan;
mod record;

use std::path::{Path, PathBuf};

use workload::value::digest_bytes;

use crate::cargo;
use crate::error::Error;
use crate::packages::Packages;
use crate::test::counted;
use place::Place;

pub use package::unpack;
pub use record::Record;

/// One file of a crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    bytes: Vec<u8>,
    executable: bool,
}

impl File {
    fn digest(&self) -> String {
        digest(&self.bytes)
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("{:016x}", digest_bytes(&[bytes]))
}

/// Copies the crate into the folder as cargo would publish it, then builds and tests it there.
/// Returns what was done.
///
/// The folder has to be missing, empty, or an earlier pick of the same crate, and outside any cargo
/// workspace. Nothing is overwritten or removed that an earlier pick did not write, or that was
/// changed since. Either all files are put in place or none. The picks of a workspace share a
/// target folder, `pick` in its own.
///
/// # Errors
/// [`Error::Usage`] for an unknown crate and for a folder that cannot take it; [`Error::Failed`] if
/// cargo cannot package the crate, a file cannot be written, or the crate does not build or pass
/// its tests where it stands (it stays there).
pub fn pick(packages: &Packages, name: &str, directory: &Path) -> Result<String, Error> {
    let (place, copied) = copy(packages, name, directory)?;
    let shared_target = packages.target.join("pick");
    let there = || {
        let mut command = cargo::command();
        command
            .current_dir(&place)
            .env("CARGO_TARGET_DIR", &shared_target);
        command
    };
    // In a shared target folder, cargo takes the same package in another folder for this one and
    // may consider it fresh.
    let package = packages.find(name)?;
    let mut clean = there();
    clean.args(["clean", "--quiet", "--package", &package.package]);
    for member in packages.nested(package) {
        clean.args(["--package", &member.name]);
    }
    cargo::run(&mut clean)?;
    // With the lock file that came along, so the tests run with the versions that were tested in
    // the workspace.
    cargo::run(there().args(["build", "--locked"]))?;
    let counts = counted(there().args(["test", "--locked", "--no-fail-fast"]))?;
    let at = place.display();
    if counts.failed > 0 {
        return Err(Error::Failed(format!(
            "`{name}` stands in {at} and builds there, but its tests say {counts}"
        )));
    }
    Ok(format!("{copied}built there; its tests: {counts}\n"))
}

/// Copies the crate into the folder, as [`pick`] does. Returns the folder's full path and a
/// summary.
///
/// # Errors
///
/// As [`pick`], except for the steps after copying.
pub(crate) fn copy(
    packages: &Packages,
    name: &str,
    directory: &Path,
) -> Result<(PathBuf, String), Error> {
    let package = packages.find(name)?;
    let place = Place::resolve(directory)?;
    place.refuse_workspaces()?;
    let earlier = Record::read(place.path())?;
    place.refuse_others(&package.name, earlier.as_ref())?;

    let home = place.staging();
    std::fs::create_dir_all(home)
        .map_err(|error| Error::io(format_args!("cannot make {}", home.display()), &error))?;
    let staging = tempfile::Builder::new()
        .prefix(place::STAGING)
        .tempdir_in(home)
        .map_err(|error| Error::io(format_args!("cannot write in {}", home.display()), &error))?;
    let files = package::files(packages, package, staging.path())?;
    let record = Record::of(package, &files);
    let plan = plan::plan(&files, earlier.as_ref(), |path| place.state(path))
        .map_err(|conflicts| conflicts.into_error(place.path()))?;
    apply::apply(&plan, &files, &record, place.path(), staging.path())?;
    drop(staging);
    let at = place.path().to_path_buf();
    let done = format!(
        "picked {} {} into {}: {plan}\n",
        package.name,
        package.version,
        at.display()
    );
    Ok((at, done))
}
