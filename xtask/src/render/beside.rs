//! Files are written beside their place and renamed: a reader sees the old one or the new one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Replaces the file at `path`, which need not exist yet, or leaves it as it was.
///
/// A symbolic link stays one: what it points to is replaced. Permissions stay as they are.
///
/// # Errors
///
/// What creating, writing or renaming gave; nothing is left beside `path` then.
pub fn write_beside(path: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let Some(name) = target.file_name() else {
        let what = format!("{} does not name a file", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    };
    let mut beside = name.to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = Temporary(target.with_file_name(beside));

    let mut file = File::create(&beside.0)?;
    file.write_all(text.as_bytes())?;
    if let Ok(metadata) = fs::metadata(&target) {
        file.set_permissions(metadata.permissions())?;
    }
    // Else a crash of the machine could leave the new name with none of its bytes.
    file.sync_all()?;
    drop(file);
    fs::rename(&beside.0, &target)
}

/// Removed when dropped; after the rename there is nothing left to remove.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
