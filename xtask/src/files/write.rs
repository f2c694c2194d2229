//! Atomic replacement of files: written beside the target and renamed, so that a reader sees the
//! old file or the new one, never a half.
//!
//! A missing file is created. A regular file is replaced, and keeps its permissions and, where
//! possible, its owner. A symbolic link to a regular file stays, and the file behind it is
//! replaced. Everything else is refused and left alone: a directory, a device, a FIFO, a socket, a
//! link to one of those, and a dangling link (its target may be on a disk that is not mounted).

use std::fs::{self, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Uid, fchown};
use tempfile::NamedTempFile;

use super::kind::require_regular;

/// Creates or replaces the file at `path`.
///
/// # Errors
///
/// As [`Replacement::begin`] and [`Replacement::finish`].
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Replacement::begin(path)?;
    file.write_all(bytes)?;
    file.finish()
}

/// Creates a file at a path that names nothing, not even a link.
///
/// # Errors
///
/// `AlreadyExists`, and the errors of creating, writing and renaming. Nothing is left then.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = beside(path)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

/// Checks that whatever is at `path` may be replaced. Nothing is created.
///
/// # Errors
///
/// A one-line message about whatever is there and must not be replaced.
pub fn check_replaceable(path: &Path) -> io::Result<()> {
    target(path).map(drop)
}

/// A file that gets its name once it is complete. Until then, and if it is dropped before, an
/// existing file of that name stays.
#[derive(Debug)]
pub struct Replacement {
    target: PathBuf,
    file: NamedTempFile,
}

impl Replacement {
    /// Creates a file beside `path`, or beside the target of a link at `path`.
    ///
    /// # Errors
    ///
    /// A one-line message about whatever is at `path` and must not be replaced, and the errors of
    /// creating the file.
    pub fn begin(path: &Path) -> io::Result<Replacement> {
        let (target, replaced) = target(path)?;
        let file = beside(&target)?;
        if let Some(replaced) = replaced {
            // Only root can change the owner. For other users the new file is theirs, like any file
            // they write.
            let (user, group) = (Uid::from_raw(replaced.uid()), Gid::from_raw(replaced.gid()));
            let _ = fchown(&file, Some(user), Some(group));
            file.as_file().set_permissions(replaced.permissions())?;
        }
        Ok(Replacement { target, file })
    }

    /// Renames the file into place.
    ///
    /// # Errors
    ///
    /// The errors of writing to the disk and renaming, and a one-line message if the target has
    /// meanwhile become anything but a regular file.
    pub fn finish(self) -> io::Result<()> {
        // Without this, a crash of the machine could leave the new name with none of its bytes.
        self.file.as_file().sync_all()?;
        match fs::symlink_metadata(&self.target) {
            Ok(found) => require_regular(found.file_type())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.file
            .persist(&self.target)
            .map_err(|error| error.error)?;
        Ok(())
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The path to rename to, with a link at its end resolved, and the file that is there.
fn target(path: &Path) -> io::Result<(PathBuf, Option<Metadata>)> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((path.to_owned(), None));
        }
        Err(error) => return Err(error),
    };
    if !found.is_symlink() {
        require_regular(found.file_type())?;
        return Ok((path.to_owned(), Some(found)));
    }
    let target = fs::canonicalize(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::new(
            io::ErrorKind::NotFound,
            "it is a symbolic link to nothing; remove it, or make what it leads to",
        ),
        _ => error,
    })?;
    let found = fs::symlink_metadata(&target)?;
    require_regular(found.file_type())?;
    Ok((target, Some(found)))
}

/// Creates a file in the folder of `path`, with the permissions of any other new file.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it does not name a file",
        ));
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    tempfile::Builder::new()
        .prefix(".xtask-")
        .suffix(".new")
        // The umask is applied to this.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{FileTypeExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn writing_replaces_files_and_keeps_their_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace(&path, b"one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_link_to_a_file_stays_and_the_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("there")).unwrap();
        let (real, link) = (folder.path().join("there/real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        symlink("there/real", &link).unwrap();
        let second = folder.path().join("second");
        symlink(&link, &second).unwrap();
        replace(&second, b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        for link in [&link, &second] {
            assert!(fs::symlink_metadata(link).unwrap().is_symlink());
        }
        assert_eq!(names(&folder.path().join("there")), ["real"]);
    }

    #[test]
    fn writing_leaves_special_files_and_links_to_them_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (fifo, socket) = (folder.path().join("fifo"), folder.path().join("socket"));
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let _listener = UnixListener::bind(&socket).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        let link = |to: &str| {
            let link = folder.path().join(format!("link-to-{to}"));
            symlink(to, &link).unwrap();
            link
        };
        let before_links = names(folder.path());
        let (to_fifo, to_socket) = (link("fifo"), link("socket"));
        let (to_folder, to_nothing) = (link("folder"), link("nothing"));
        for (path, what) in [
            (&fifo, "a FIFO"),
            (&to_fifo, "a FIFO"),
            (&socket, "a socket"),
            (&to_socket, "a socket"),
            (&to_folder, "a directory"),
            (&to_nothing, "a symbolic link to nothing"),
        ] {
            let error = replace(path, b"x").unwrap_err().to_string();
            assert!(
                error.contains(what) && error.lines().count() == 1,
                "{error}"
            );
        }
        assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
        assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
        for link in [&to_fifo, &to_socket, &to_folder, &to_nothing] {
            assert!(fs::symlink_metadata(link).unwrap().is_symlink());
        }
        assert_eq!(names(folder.path()).len(), before_links.len() + 4);
    }

    #[test]
    fn a_fifo_that_comes_while_writing_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = Replacement::begin(&path).unwrap();
        file.write_all(b"x").unwrap();
        mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        assert!(file.finish().unwrap_err().to_string().contains("a FIFO"));
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn creating_never_replaces_anything() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        create(&file, b"mine").unwrap();
        symlink("nothing", &link).unwrap();
        for path in [&file, &link] {
            let error = create(path, b"x").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        assert_eq!(names(folder.path()), ["file", "link"]);
    }

    #[test]
    fn names_of_any_bytes_and_length_are_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in [&b"\xff\xfe"[..], &[b'n'; 255]] {
            let path = folder.path().join(OsStr::from_bytes(name));
            replace(&path, b"x").unwrap();
            replace(&path, b"y").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"y");
        }
        for path in ["/", "..", "", "new/"] {
            let path = if path == "new/" {
                folder.path().join(path)
            } else {
                path.into()
            };
            replace(&path, b"x").unwrap_err();
        }
        assert_eq!(names(folder.path()).len(), 2);
    }
}
