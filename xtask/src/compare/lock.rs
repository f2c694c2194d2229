//! The locks that keep comparisons apart.
//!
//! One lock covers the machine, since two comparisons would measure each other. Another covers the
//! output folder, since each comparison would delete the other's files: two can run on one machine
//! with different folders for temporary files.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::error::Error;

/// Held as long as it lives; the system lets go of it even if this process is killed.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock.
    ///
    /// # Errors
    ///
    /// When another comparison holds it.
    pub(crate) fn take() -> Result<Lock, Error> {
        Lock::take_at(&path())
    }

    /// Locks an output folder itself, so that no lock file is left in it. `None` if the file system
    /// cannot lock folders.
    ///
    /// # Errors
    ///
    /// If another comparison uses it.
    pub(crate) fn of_folder(folder: &Path) -> Result<Option<Lock>, Error> {
        let Ok(file) = File::open(folder) else {
            return Ok(None);
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Err(Error::Usage(format!(
                "{}: another comparison is running with this folder for its results: wait for it to end, or name another \
                 one with `--output DIR`",
                folder.display()
            ))),
            Err(TryLockError::Error(_)) => Ok(None),
        }
    }

    fn take_at(path: &Path) -> Result<Lock, Error> {
        let create = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .custom_flags(flags())
            .open(path);
        // Another user's, left in the folder that both share: it can be locked all the same.
        let file = create.or_else(|error| match error.kind() {
            ErrorKind::PermissionDenied => File::options()
                .read(true)
                .custom_flags(flags())
                .open(path)
                .map_err(|_| error),
            _ => Err(error),
        });
        let file = file.map_err(|error| {
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

/// The lock file may be in a world-writable folder: opening it must neither block on a
/// FIFO nor follow a link.
fn flags() -> i32 {
    (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed()
}

/// In the folder for temporary files and not under `target/`: two clones disturb each other as
/// well.
fn path() -> PathBuf {
    std::env::temp_dir().join("cargo-xtask-compare.lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_folder_is_locked_by_one_comparison() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::of_folder(folder.path()).unwrap();
        assert!(first.is_some());
        let second = Lock::of_folder(folder.path()).unwrap_err();
        assert_eq!(second.exit_code(), 2);
        assert!(second.to_string().contains("--output"), "{second}");
        drop(first);
        assert!(Lock::of_folder(folder.path()).unwrap().is_some());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lock_never_waits_for_a_fifo_or_follows_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (fifo, link) = (folder.path().join("fifo"), folder.path().join("link"));
        let (mode, kind) = (rustix::fs::Mode::RWXU, rustix::fs::FileType::Fifo);
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, kind, mode, 0).unwrap();
        std::os::unix::fs::symlink("elsewhere", &link).unwrap();
        for path in [&fifo, &link] {
            assert_eq!(Lock::take_at(path).unwrap_err().exit_code(), 2);
        }
        assert!(!folder.path().join("elsewhere").exists());
    }

    #[test]
    fn a_lock_that_may_only_be_read_is_held_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let file = File::create(&path).unwrap();
        let mut permissions = file.metadata().unwrap().permissions();
        permissions.set_readonly(true);
        file.set_permissions(permissions).unwrap();
        let first = Lock::take_at(&path).unwrap();
        assert_eq!(Lock::take_at(&path).unwrap_err().exit_code(), 2);
        drop(first);
        Lock::take_at(&path).unwrap();
        assert_eq!(
            Lock::take_at(&folder.path().join("no/lock"))
                .unwrap_err()
                .exit_code(),
            2
        );
    }
}
