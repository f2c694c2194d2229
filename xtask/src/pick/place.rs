//! The target folder of a pick, and the checks on it.

use std::ffi::OsStr;
use std::fs::FileType;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use super::digest;
use super::plan::State;
use super::record::{self, Record};
use super::surroundings::Surroundings;
use crate::error::Error;
use crate::files;

/// How the name of a folder for the new files begins. Six letters or digits follow.
pub(crate) const STAGING: &str = ".pick-";

/// The limit on a file of a crate: a pick never wrote a larger one.
pub(crate) const MAX_FILE_BYTES: u64 = 64 << 20;

/// Whether an entry is what a killed pick leaves. A file or folder of the user may begin with the
/// same letters.
pub(crate) fn is_staging(name: &OsStr, kind: FileType) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(STAGING));
    kind.is_dir()
        && random.is_some_and(|random| {
            random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// The folder a crate is picked into, as an absolute path without links or `..` in it.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    parent: PathBuf,
}

impl Place {
    /// The folder that the user named, which may not exist yet.
    pub(crate) fn resolve(directory: &Path) -> Result<Place, Error> {
        let cannot = |why: &io::Error| {
            Error::Usage(format!(
                "cannot use {}: {why}; choose another folder",
                directory.display()
            ))
        };
        let wanted = std::path::absolute(directory).map_err(|error| cannot(&error))?;
        let mut path = PathBuf::new();
        for component in wanted.components() {
            match component {
                Component::ParentDir => {
                    path.pop();
                }
                Component::CurDir => {}
                other => path.push(other),
            }
            // Links are followed as far as the folders exist, before a `..` behind one can be
            // misread.
            if path.symlink_metadata().is_ok() {
                path = path.canonicalize().map_err(|error| cannot(&error))?;
            }
        }
        if path.to_str().is_none() {
            let why = "its path is not UTF-8, and the compiler fails in such a folder";
            return Err(cannot(&io::Error::other(why)));
        }
        let Some(parent) = path.parent().map(Path::to_path_buf) else {
            return Err(Error::Usage(
                "a crate cannot be picked into /: name a folder of its own".to_string(),
            ));
        };
        Ok(Place { path, parent })
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that it is in.
    pub(crate) fn parent(&self) -> &Path {
        &self.parent
    }

    /// A place for files on the same disk, where the user may write. So the folder itself if it
    /// exists, as it may be all that is mounted or owned.
    pub(crate) fn staging(&self) -> &Path {
        if self.path.is_dir() {
            &self.path
        } else {
            &self.parent
        }
    }

    /// The nearest folder above in which the new one can be built: on the same disk, and where no
    /// pattern in the `members` of a workspace matches a staging folder, which would make cargo
    /// fail there.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        let mut above = self.parent.ancestors();
        let nearest = above.clone().find(|folder| folder.is_dir())?;
        let disk = |folder: &Path| folder.metadata().map(|found| found.dev()).ok();
        let disk_here = disk(nearest);
        let is_quiet = |folder: &Path| {
            let staging = folder.join(format!("{STAGING}000000"));
            Surroundings::of(&staging)
                .is_ok_and(|around| around.workspace().is_none_or(|workspace| !workspace.has_it))
        };
        above
            .find(|folder| folder.is_dir() && disk(folder) == disk_here && is_quiet(folder))
            .map(Path::to_path_buf)
    }

    /// A pick into the checkout that it comes from would be taken for a part of it.
    pub(crate) fn refuse_checkout(&self, checkout: &Path) -> Result<(), Error> {
        let inside = checkout
            .canonicalize()
            .is_ok_and(|checkout| self.path.starts_with(checkout));
        if !inside {
            return Ok(());
        }
        Err(Error::Usage(format!(
            "{} is inside the checkout that the crate comes from: choose a folder outside {}",
            self.path.display(),
            checkout.display()
        )))
    }

    /// Checks that files can be made where the new ones will be staged, before any of the long
    /// work. Nothing is left of the check.
    pub(crate) fn refuse_read_only(&self) -> Result<(), Error> {
        let mut home = self.staging();
        while !home.exists()
            && let Some(parent) = home.parent()
        {
            home = parent;
        }
        // Not a folder, which a pattern in the `members` of a workspace could match.
        let made = tempfile::tempfile_in(home);
        made.map(drop).map_err(|error| {
            Error::Usage(format!(
                "cannot write in {}: {error}; choose another folder",
                home.display()
            ))
        })
    }

    /// The folder must be missing, empty, or this crate's from an earlier pick.
    pub(crate) fn refuse_others(&self, name: &str, earlier: Option<&Record>) -> Result<(), Error> {
        if let Some(earlier) = earlier {
            if earlier.name == name {
                return Ok(());
            }
            let (path, other) = (self.path.display(), &earlier.name);
            return Err(Error::Usage(format!(
                "{path} holds a pick of `{other}`: choose another folder for `{name}`"
            )));
        }
        let found = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries
                .flatten()
                .find(|entry| {
                    let kind = entry.file_type();
                    !kind.is_ok_and(|kind| is_staging(&entry.file_name(), kind))
                })
                .map(|entry| entry.file_name()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let path = self.path.display();
                return Err(Error::Usage(format!(
                    "cannot use {path}: {error}; choose another folder"
                )));
            }
        };
        match found {
            None => Ok(()),
            Some(found) => Err(Error::Usage(format!(
                "{} is not empty (it holds {}) and no earlier pick (it has no {}): choose a new folder",
                self.path.display(),
                found.to_string_lossy(),
                record::NAME
            ))),
        }
    }

    /// The state of this path of the folder. A link is not followed: it might lead out of the
    /// folder.
    pub(crate) fn state(&self, path: &str) -> State {
        let mut at = self.path.clone();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            at.push(part);
            let Ok(metadata) = at.symlink_metadata() else {
                return State::Missing;
            };
            let more = parts.peek().is_some();
            if more && metadata.is_dir() {
                continue;
            }
            if more || !metadata.is_file() {
                return State::Other;
            }
        }
        files::read(&at, MAX_FILE_BYTES).map_or(State::Other, |bytes| State::File(digest(&bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap();
        (directory, path)
    }

    #[test]
    fn a_folder_that_does_not_exist_yet_is_resolved() {
        let (_keep, root) = temporary();
        let place = Place::resolve(&root.join("a/../b/./c")).unwrap();
        assert_eq!(place.path(), root.join("b/c"));
        assert_eq!(place.staging(), root.join("b"));
        assert_eq!(Place::resolve(Path::new("/")).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn a_folder_that_exists_takes_all_that_is_written() {
        let (_keep, root) = temporary();
        let place = Place::resolve(&root).unwrap();
        assert_eq!(place.staging(), root);
        std::fs::create_dir(root.join(format!("{STAGING}a1B2c3"))).unwrap();
        assert_eq!(place.refuse_others("threads", None), Ok(()));
        std::fs::write(root.join("mine"), "x").unwrap();
        let error = place.refuse_others("threads", None).unwrap_err();
        assert!(error.to_string().contains("it holds mine"), "{error}");
    }

    #[test]
    fn new_folder_is_built_where_no_pattern_matches_it() {
        let (_keep, root) = temporary();
        std::fs::create_dir_all(root.join("ws/vendor")).unwrap();
        let home = |members: &str| {
            let text = format!("[workspace]\n{members}\n");
            std::fs::write(root.join("ws/Cargo.toml"), text).unwrap();
            let place = Place::resolve(&root.join("ws/vendor/tiny")).unwrap();
            place.home()
        };
        for (members, expected) in [
            ("members = ['vendor/tiny']", "ws/vendor"),
            ("members = ['vendor/*']", "ws"),
            ("members = ['vendor/*']\nexclude = ['vendor/tiny']", "ws"),
            ("members = ['vendor/*']\nexclude = ['vendor']", "ws/vendor"),
            ("members = ['*', 'vendor/*']", ""),
            ("members = ['**']", ""),
        ] {
            assert_eq!(home(members), Some(root.join(expected)), "{members}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_way_through_a_link_ends_where_the_link_leads() {
        let (_keep, root) = temporary();
        std::fs::create_dir_all(root.join("real/deep")).unwrap();
        std::os::unix::fs::symlink(root.join("real/deep"), root.join("link")).unwrap();
        assert_eq!(
            Place::resolve(&root.join("link/../x")).unwrap().path(),
            root.join("real/x")
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_never_taken_for_files_or_folders() {
        let (_keep, root) = temporary();
        std::fs::create_dir_all(root.join("out")).unwrap();
        std::fs::create_dir_all(root.join("dir/src")).unwrap();
        std::fs::write(root.join("out/file"), "x").unwrap();
        std::fs::write(root.join("dir/src/own"), "x").unwrap();
        std::os::unix::fs::symlink(root.join("out"), root.join("dir/folder")).unwrap();
        std::os::unix::fs::symlink(root.join("out/file"), root.join("dir/file")).unwrap();
        let place = Place::resolve(&root.join("dir")).unwrap();
        assert_eq!(place.state("src/own"), State::File(digest(b"x")));
        assert_eq!(place.state("src/none"), State::Missing);
        for path in ["folder/file", "file", "src", "src/own/below"] {
            assert_eq!(place.state(path), State::Other, "{path}");
        }
    }
}
