//! Checks on the path of a log: the server names it, and a path from the network is not trusted.
//!
//! The origin server of a comparison writes its logs beside the inputs, and each is a new file of
//! the same user. Any other file, there or elsewhere, is neither followed nor removed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Whether the path names an entry directly in the folder.
pub(super) fn is_in(path: &Path, folder: &Path) -> bool {
    let (Some(parent), Some(_)) = (path.parent(), path.file_name()) else {
        return false;
    };
    // Both are usually spelled the same, which needs no access to the file system.
    path.is_absolute()
        && (parent == folder || fs::canonicalize(folder).is_ok_and(|folder| parent == folder))
}

/// Opens a log.
///
/// # Errors
///
/// If it cannot be opened, or is not a regular file of this user with a single name.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        // No link is followed, and opening a pipe does not wait for its writer.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
    }
    let file = options.open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Removes a log, if the path still names the open file.
///
/// # Errors
///
/// If the path names another file, or the file cannot be removed.
pub(super) fn remove(path: &Path, file: &File) -> io::Result<()> {
    if !is_same(&fs::symlink_metadata(path)?, &file.metadata()?) {
        return Err(io::Error::other("it was replaced by another file"));
    }
    fs::remove_file(path)
}

#[cfg(unix)]
fn check(file: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let ours = rustix::process::geteuid().as_raw();
    if file.is_file() && file.uid() == ours && file.nlink() == 1 {
        return Ok(());
    }
    Err(io::Error::other(
        "it is not a regular file of this user with a single name",
    ))
}

#[cfg(not(unix))]
fn check(file: &fs::Metadata) -> io::Result<()> {
    if file.is_file() {
        return Ok(());
    }
    Err(io::Error::other("it is not a regular file"))
}

#[cfg(unix)]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(one: &fs::Metadata, _: &fs::Metadata) -> bool {
    one.is_file()
}

#[cfg(test)]
mod tests {
    use super::is_in;
    use std::path::Path;

    #[test]
    fn path_outside_the_folder_is_refused() {
        let folder = std::env::temp_dir();
        let inside = |name: &str| is_in(&folder.join(name), &folder);
        assert!(inside("log-1"));
        for name in [
            "sub/log-1",
            "../log-1",
            "sub/../log-1",
            "..",
            "",
            "/etc/passwd",
            ".",
        ] {
            assert!(!inside(name), "{name:?}");
        }
        assert!(!is_in(Path::new("log-1"), Path::new("")));
        assert!(!is_in(Path::new("log-1"), &folder));
    }
}
