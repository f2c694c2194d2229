//! The files of a crate, as cargo packages them.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;

use super::inherit::Mapped;
use super::place::MAX_FILE_BYTES;
use super::{File, manifest, record};
use crate::cargo;
use crate::error::Error;
use crate::files::{self, is_plain};
use crate::packages::{Crate, Member, Packages};

/// Cargo's own notes about where a package came from. They are of use to a registry only.
const NOTES: [&str; 2] = ["Cargo.toml.orig", ".cargo_vcs_info.json"];

/// The limit on an unpacked crate.
const MAX_UNPACKED_BYTES: u64 = 128 << 20;

/// Packages the crate and returns its files by path, with `/` between its parts.
///
/// Cargo fills in what the manifest inherits from the workspace, follows symbolic links, adds a
/// lock file, and leaves nested packages out. Those that the crate depends on are packaged as well,
/// and their files are added under their folders. Archives go to the scratch folder, so that
/// concurrent picks do not interfere. The manifests take what they can from `workspace`.
pub(crate) fn files(
    packages: &Packages,
    package: &Crate,
    workspace: Option<&toml::Table>,
    scratch: &Path,
) -> Result<(BTreeMap<String, File>, Mapped), Error> {
    let nested = packages.nested(package);
    let mut files = packaged(packages, &package.package, &nested, scratch)?;
    let mut inside = Vec::new();
    for member in nested {
        let home = package.manifest.parent();
        let place = packages.root.join(&member.folder);
        let folder = home
            .and_then(|home| place.strip_prefix(home).ok())
            .and_then(Path::to_str)
            .ok_or_else(|| Error::Failed(format!("{} is not UTF-8", place.display())))?;
        let mut its = packaged(packages, &member.name, &[], scratch)?;
        its.remove("Cargo.lock");
        let header = format!("# Part of {} {}.", package.name, package.version);
        manifest::make_plain(&member.name, &header, &[], workspace, &mut its)?;
        let under = |(path, file)| (format!("{folder}/{path}"), file);
        files.extend(its.into_iter().map(under));
        inside.push((member.name.as_str(), folder.to_owned()));
    }
    let header = format!(
        "# {} {}, taken with `cargo xtask pick`.",
        package.name, package.version
    );
    let mapped = manifest::make_plain(&package.name, &header, &inside, workspace, &mut files)?;
    Ok((files, mapped))
}

/// The files of one package. Cargo takes a dependency of a package from a registry, so the nested
/// ones are patched in from where they are.
fn packaged(
    packages: &Packages,
    package: &str,
    nested: &[&Member],
    scratch: &Path,
) -> Result<BTreeMap<String, File>, Error> {
    let target = scratch.join("package").join(package);
    let mut command = cargo::command();
    command
        .args(["package", "--quiet", "--no-verify", "--allow-dirty"])
        .args(["--package", package])
        .arg("--manifest-path")
        .arg(packages.root.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    for member in nested {
        let place = packages.root.join(&member.folder);
        let key = format!("patch.crates-io.{}.path", member.name);
        command.arg("--config").arg(format!(
            "{key}={}",
            toml::Value::from(place.display().to_string())
        ));
    }
    cargo::run(&mut command)?;
    let archive = archive(&target.join("package"))?;
    let bad =
        |error: &io::Error| Error::io(format_args!("cannot unpack {}", archive.display()), error);
    let packed = files::read(&archive, MAX_FILE_BYTES).map_err(|error| bad(&error))?;
    let mut files = unpack(&packed).map_err(|error| bad(&error))?;
    for note in NOTES {
        files.remove(note);
    }
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

/// The files of a `.crate` by path, without the folder `NAME-VERSION` around them.
///
/// # Errors
///
/// If the bytes are not such an archive, a file would leave the folder, or the files exceed 128
/// MiB.
pub fn unpack(archive: &[u8]) -> io::Result<BTreeMap<String, File>> {
    unpack_within(archive, MAX_UNPACKED_BYTES)
}

fn unpack_within(archive: &[u8], limit_bytes: u64) -> io::Result<BTreeMap<String, File>> {
    let mut bytes = Vec::new();
    // A few bytes can decompress to any number of bytes.
    GzDecoder::new(archive)
        .take(limit_bytes + 1)
        .read_to_end(&mut bytes)?;
    let too_large = || {
        let mebibytes = limit_bytes >> 20;
        let what = format!("it unpacks to more than {mebibytes} MiB");
        io::Error::new(io::ErrorKind::FileTooLarge, what)
    };
    if bytes.len() as u64 > limit_bytes {
        return Err(too_large());
    }
    let mut files = BTreeMap::new();
    let mut left = limit_bytes;
    for entry in tar::Archive::new(bytes.as_slice()).entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = inner(&entry.path()?)
            .ok_or_else(|| io::Error::other(format!("a file named {:?}", entry.path_bytes())))?;
        let executable = entry.header().mode()? & 0o111 != 0;
        let mut bytes = Vec::new();
        // An entry may claim any size, too.
        (&mut entry).take(left + 1).read_to_end(&mut bytes)?;
        left = left.checked_sub(bytes.len() as u64).ok_or_else(too_large)?;
        files.insert(path, File { bytes, executable });
    }
    Ok(files)
}

/// The path below the first folder, if it is UTF-8, stays there, and is not the record of the pick.
fn inner(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|component| match component {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    let path = parts?.get(1..)?.join("/");
    (is_plain(&path) && path != record::NAME).then_some(path)
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
        for path in [
            "threads-0.1.0",
            "threads-0.1.0/../up",
            "/etc/passwd",
            "",
            "threads-0.1.0/.pick.json",
        ] {
            assert_eq!(inner(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn a_broken_archive_is_an_error() {
        assert!(unpack(b"no archive").is_err());
    }

    #[test]
    fn an_archive_that_unpacks_beyond_the_limit_is_refused() {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&vec![0; (1 << 20) + 1]).unwrap();
        let error = unpack_within(&packed.finish().unwrap(), 1 << 20).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
