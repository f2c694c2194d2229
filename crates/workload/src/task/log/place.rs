//! Where a log may be: the server names a path, and a path from the network is not believed.
//!
//! The origin server of a comparison writes its logs beside the inputs, and each is a new file of our own. Whatever else
//! lies there, or anywhere, is neither followed nor removed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Whether the path names something directly in the folder.
pub(super) fn is_in(path: &Path, folder: &Path) -> bool {
    let (Some(parent), Some(_)) = (path.parent(), path.file_name()) else {
        return false;
    };
    // Both are usually written alike, and need no look at the file system.
    path.is_absolute()
        && (parent == folder || fs::canonicalize(folder).is_ok_and(|folder| parent == folder))
}

/// Opens a log.
///
/// # Errors
///
/// When it cannot be opened, or is anything but a file of our own that has no other name.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        // No link is followed, and nobody is waited for who should write to a pipe.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
    }
    let file = options.open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Removes a log, if the name still stands for the file that is open.
///
/// # Errors
///
/// When it stands for another one, or cannot be removed.
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
    Err(io::Error::other("it is no file of this user's alone"))
}

#[cfg(not(unix))]
fn check(file: &fs::Metadata) -> io::Result<()> {
    if file.is_file() {
        return Ok(());
    }
    Err(io::Error::other("it is no file"))
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
