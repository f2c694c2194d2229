//! One comparison at a time on a machine: two would measure each other.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

use crate::error::Error;

/// Held as long as it lives; the system lets go of it even if this process is killed.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock.
    ///
    /// # Errors
    ///
    /// When another comparison holds it.
    pub(super) fn take() -> Result<Lock, Error> {
        let path = path();
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(|error| {
            Error::Usage(format!(
                "{}: cannot be opened as the lock between comparisons: {error}; make it writable, or point TMPDIR elsewhere",
                path.display()
            ))
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Usage(
                "another comparison is running on this machine, and two would measure each other: wait for it to end"
                    .to_owned(),
            )),
            Err(TryLockError::Error(error)) => {
                Err(Error::Usage(format!("{}: cannot be locked: {error}; point TMPDIR to a local disk", path.display())))
            }
        }
    }
}

/// In the folder for temporary files and not under `target/`: two clones disturb each other as well.
fn path() -> PathBuf {
    std::env::temp_dir().join("cargo-xtask-compare.lock")
}
