//! File types: regular files, and everything else that a path can name.

use std::fs::{self, FileType};
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

/// Refuses a path that names anything but a regular file, after following links. Nothing is opened.
///
/// # Errors
///
/// A message that says what the path names instead; and any error of the system, such as
/// `NotFound`.
pub fn refuse_special(path: &Path) -> io::Result<()> {
    require_regular(fs::metadata(path)?.file_type())
}

/// `IsADirectory` for a directory, `InvalidInput` for other types.
pub(super) fn require_regular(found: FileType) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    let (kind, name) = if found.is_dir() {
        (io::ErrorKind::IsADirectory, "a directory")
    } else {
        (io::ErrorKind::InvalidInput, special(found))
    };
    Err(io::Error::new(
        kind,
        format!("it is {name}, not a regular file"),
    ))
}

fn special(found: FileType) -> &'static str {
    if found.is_fifo() {
        "a FIFO"
    } else if found.is_socket() {
        "a socket"
    } else if found.is_char_device() || found.is_block_device() {
        "a device"
    } else if found.is_symlink() {
        "a symbolic link"
    } else {
        "something else"
    }
}
