//! The files of a crate, as cargo packages them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;

use super::{File, manifest};
use crate::cargo;
use crate::error::Error;
use crate::packages::Crate;

/// Cargo's own notes about where a package came from. They are of use to a registry only.
const NOTES: [&str; 2] = ["Cargo.toml.orig", ".cargo_vcs_info.json"];

/// Packages the crate and returns its files by path, with `/` between its parts.
///
/// Cargo fills in what the manifest inherits from the workspace, follows the links to the licences, adds a lock file, and
/// leaves nested packages out. The scratch folder takes its archive, so that picks at the same time do not meet.
pub(crate) fn files(package: &Crate, scratch: &Path) -> Result<BTreeMap<String, File>, Error> {
    let target = scratch.join("package");
    cargo::run(
        cargo::command()
            .args([
                "package",
                "--quiet",
                "--no-verify",
                "--allow-dirty",
                "--package",
                &package.name,
            ])
            .arg("--manifest-path")
            .arg(&package.manifest)
            .arg("--target-dir")
            .arg(&target),
    )?;
    let archive = archive(&target.join("package"))?;
    let bad = |error: &std::io::Error| {
        Error::io(format_args!("cannot unpack {}", archive.display()), error)
    };
    let mut files = unpack(&std::fs::read(&archive).map_err(|error| bad(&error))?)
        .map_err(|error| bad(&error))?;
    for note in NOTES {
        files.remove(note);
    }
    manifest::make_plain(package, &mut files)?;
    Ok(files)
}

/// The one archive in the folder.
fn archive(folder: &Path) -> Result<PathBuf, Error> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder.display(), &error))?;
    let mut archives = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "crate"));
    archives
        .next()
        .ok_or_else(|| Error::Failed(format!("cargo left no .crate file in {}", folder.display())))
}

/// The files of a `.crate`, without the folder `NAME-VERSION` that all of them are in.
fn unpack(archive: &[u8]) -> std::io::Result<BTreeMap<String, File>> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(GzDecoder::new(archive)).entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = inner(&entry.path()?).ok_or_else(|| {
            std::io::Error::other(format!("a file named {:?}", entry.path_bytes()))
        })?;
        let executable = entry.header().mode()? & 0o111 != 0;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.insert(path, File { bytes, executable });
    }
    Ok(files)
}

/// The path below the first folder, if it is UTF-8 and stays there.
fn inner(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|component| match component {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    let parts = parts?;
    (parts.len() > 1).then(|| parts[1..].join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_the_first_folder_and_must_stay_below_it() {
        assert_eq!(
            inner(Path::new("threads-0.1.0/src/lib.rs")).as_deref(),
            Some("src/lib.rs")
        );
        for path in ["threads-0.1.0", "threads-0.1.0/../up", "/etc/passwd", ""] {
            assert_eq!(inner(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn a_broken_archive_is_an_error() {
        assert!(unpack(b"no archive").is_err());
    }
}
