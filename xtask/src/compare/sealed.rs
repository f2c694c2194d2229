//! Files that contestants read: created afresh and read-only, with a seal that shows whether one
//! was changed since.
//!
//! Contestants know the names of these files, and a process of the same user can do anything to
//! them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Creates a read-only file in place of whatever has its name: opening a FIFO that was left there
/// would block, and opening a link would overwrite its target.
pub(super) fn fresh(path: &Path) -> io::Result<File> {
    clear(path)?;
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o444)
        .open(path)
}

/// Removes whatever has this name, links included but not their targets.
pub(super) fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Files and what each looked like when it was sealed.
#[derive(Debug)]
pub(super) struct Seal(Vec<(PathBuf, Look)>);

impl Seal {
    /// Seals these files, which must be complete.
    ///
    /// # Errors
    ///
    /// If one is gone already.
    pub(super) fn of(paths: Vec<PathBuf>) -> io::Result<Seal> {
        let sealed = paths.into_iter().map(|path| {
            let look = Look::at(&path)?;
            Ok((path, look))
        });
        sealed.collect::<io::Result<_>>().map(Seal)
    }

    /// A file that is gone or no longer the same.
    pub(super) fn broken(&self) -> Option<&Path> {
        let mut broken = self
            .0
            .iter()
            .filter(|(path, sealed)| Look::at(path).ok().as_ref() != Some(sealed));
        broken.next().map(|(path, _)| path.as_path())
    }
}

/// The attributes that identify a file with its content. A process can set the time of the last
/// write to the content, but not that of the last change to the file.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    device: u64,
    inode: u64,
    size: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Look {
    fn at(path: &Path) -> io::Result<Look> {
        let found = fs::symlink_metadata(path)?;
        Ok(Look {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            written: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::time::{Duration, Instant};

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    /// A sealed file, and the folder that holds it.
    fn sealed() -> (tempfile::TempDir, PathBuf, Seal) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fresh(&path).unwrap().write_all(b"right").unwrap();
        let seal = Seal::of(vec![path.clone()]).unwrap();
        (folder, path, seal)
    }

    /// The clock of a file system may be coarse.
    fn until_broken(path: &Path, seal: &Seal, change: impl Fn()) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while seal.broken() != Some(path) {
            assert!(Instant::now() < deadline, "the change is not seen");
            change();
        }
    }

    #[test]
    fn every_change_of_a_sealed_file_is_noticed() {
        let (_folder, path, seal) = sealed();
        assert_eq!(seal.broken(), None);
        assert_eq!(fs::read(&path).unwrap(), b"right");
        assert_eq!(seal.broken(), None, "reading changes nothing");
        fs::remove_file(&path).unwrap();
        assert_eq!(seal.broken(), Some(&*path));
        // The same bytes, but another file.
        fs::write(&path, "right").unwrap();
        assert_eq!(seal.broken(), Some(&*path));
    }

    #[test]
    fn change_with_its_time_set_back_is_noticed() {
        let (_folder, path, seal) = sealed();
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        until_broken(&path, &seal, || {
            let mut file = File::options().write(true).open(&path).unwrap();
            file.write_all(b"wrong").unwrap();
            file.set_modified(written).unwrap();
        });
    }

    #[test]
    fn special_files_and_links_are_replaced_by_fresh_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let victim = folder.path().join("victim");
        fs::write(&victim, "mine").unwrap();
        mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        fresh(&path).unwrap();
        clear(&path).unwrap();
        symlink(&victim, &path).unwrap();
        fresh(&path).unwrap();
        clear(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let file = fresh(&path).unwrap();
        assert!(file.metadata().unwrap().is_file());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o222, 0);
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
    }
}
