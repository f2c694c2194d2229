//! The target folder of a pick, and the checks on it.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::digest;
use super::plan::State;
use super::record::{self, Record};
use crate::error::Error;
use crate::files;

/// How the name of a folder for the new files begins.
pub(crate) const STAGING: &str = ".pick-";

/// The limit on a file of a crate: a pick never wrote a larger one.
pub(crate) const MAX_FILE_BYTES: u64 = 64 << 20;

/// The limit on a manifest.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

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

    /// Where the new files are written before they are moved in: on the same disk, and where the
    /// user may write. So in the folder itself if it exists, as it may be all that is mounted or
    /// owned.
    pub(crate) fn staging(&self) -> &Path {
        if self.path.is_dir() {
            &self.path
        } else {
            &self.parent
        }
    }

    /// Cargo takes a package inside another workspace for a member that is not listed, and refuses
    /// to build it.
    pub(crate) fn refuse_workspaces(&self) -> Result<(), Error> {
        for folder in self.parent.ancestors() {
            let Some(workspace) = read_workspace(&folder.join("Cargo.toml"))? else {
                continue;
            };
            let inside = self.path.strip_prefix(folder).unwrap_or(&self.path);
            if excludes(&workspace, inside) {
                return Ok(());
            }
            return Err(Error::Usage(format!(
                "{} is inside the cargo workspace of {}, where cargo would not let it stand alone: choose a folder \
                 outside (and move it in later as a member), or put exclude = [\"{}\"] under [workspace] there first",
                self.path.display(),
                folder.join("Cargo.toml").display(),
                inside.display()
            )));
        }
        Ok(())
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
                .map(|entry| entry.file_name())
                // The remains of a killed pick.
                .find(|name| !name.to_string_lossy().starts_with(STAGING)),
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

fn read_workspace(manifest: &Path) -> Result<Option<toml::Table>, Error> {
    let unusable = |why: &dyn std::fmt::Display| {
        Error::Usage(format!(
            "cannot read {}: {why}; choose a folder outside it",
            manifest.display()
        ))
    };
    let text = match files::read_text(manifest, MAX_MANIFEST_BYTES) {
        Ok(text) => text,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(unusable(&error)),
    };
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| unusable(&error.message()))?;
    Ok(table
        .get("workspace")
        .and_then(toml::Value::as_table)
        .cloned())
}

fn excludes(workspace: &toml::Table, inside: &Path) -> bool {
    let excluded = workspace.get("exclude").and_then(toml::Value::as_array);
    excluded
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_str)
        .any(|folder| inside.starts_with(folder))
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
        std::fs::create_dir(root.join(format!("{STAGING}killed"))).unwrap();
        assert_eq!(place.refuse_others("threads", None), Ok(()));
        std::fs::write(root.join("mine"), "x").unwrap();
        let error = place.refuse_others("threads", None).unwrap_err();
        assert!(error.to_string().contains("it holds mine"), "{error}");
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

    #[test]
    fn place_in_a_workspace_is_refused_unless_excluded() {
        let (_keep, root) = temporary();
        let place = Place::resolve(&root.join("vendor/threads")).unwrap();
        assert_eq!(place.refuse_workspaces(), Ok(()));
        std::fs::write(root.join("Cargo.toml"), "[package]\nname = 'p'\n").unwrap();
        assert_eq!(
            place.refuse_workspaces(),
            Ok(()),
            "a package alone does not claim what is below it"
        );
        std::fs::write(root.join("Cargo.toml"), "[workspace]\n").unwrap();
        let error = place.refuse_workspaces().unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            error.to_string().contains("exclude = [\"vendor/threads\"]"),
            "{error}"
        );
        std::fs::write(
            root.join("Cargo.toml"),
            "[workspace]\nexclude = ['vendor']\n",
        )
        .unwrap();
        assert_eq!(place.refuse_workspaces(), Ok(()));
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
