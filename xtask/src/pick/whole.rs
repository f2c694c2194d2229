//! A picked folder put in place as a whole: built beside its place and moved there in one step, so
//! that a kill at any moment leaves the old folder or the new one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Gid, Uid, chown};

use super::plan::Plan;
use super::{place, record};

/// The most entries of a folder that are linked into its successor.
const MAX_ENTRIES: usize = 5_000;

/// The state of a path, precise enough to notice a change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    kind: Kind,
    inode: u64,
    /// For a file that the plan replaces or removes: when it was written, and its length.
    content: Option<(i64, i64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    Link,
}

/// The successor of a folder: the same files with the changes of a plan.
pub(crate) struct Successor<'a> {
    directory: &'a Path,
    whole: PathBuf,
    plan: &'a Plan,
    before: BTreeMap<PathBuf, Stamp>,
}

/// Why a successor did not take over. The old folder is in its place.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// It could not be moved: another way of placing the files may work.
    Moving(io::Error),
    /// It was moved back, as the last step failed or the user changed a file.
    Undone(io::Error),
}

impl<'a> Successor<'a> {
    /// Builds it in `whole`, on the same disk. Files that stay are linked, so they are the same
    /// files. `None` if the folder has what cannot be linked, or too much of it. The files of the
    /// plan and the record are for the caller to write.
    pub(crate) fn build(
        plan: &'a Plan,
        directory: &'a Path,
        whole: PathBuf,
    ) -> io::Result<Option<Successor<'a>>> {
        let mut before = BTreeMap::new();
        let exists = directory.symlink_metadata().is_ok();
        if exists && !survey(directory, Path::new(""), plan, &mut before)? {
            return Ok(None);
        }
        fs::create_dir(&whole)?;
        for (path, stamp) in &before {
            let (from, to) = (directory.join(path), whole.join(path));
            match stamp.kind {
                Kind::Folder => fs::create_dir(&to)?,
                Kind::Link => std::os::unix::fs::symlink(fs::read_link(&from)?, &to)?,
                Kind::File if stamp.content.is_none() => fs::hard_link(&from, &to)?,
                Kind::File => {}
            }
        }
        Ok(Some(Successor {
            directory,
            whole,
            plan,
            before,
        }))
    }

    /// Where it is built.
    pub(crate) fn folder(&self) -> &Path {
        &self.whole
    }

    /// Moves it to its place and does the last step; both, or neither. The predecessor is then
    /// where it was built.
    pub(crate) fn take_over(
        self,
        last: &mut dyn FnMut() -> io::Result<()>,
    ) -> Result<(), NotTaken> {
        if self.directory.symlink_metadata().is_err() {
            fs::rename(&self.whole, self.directory).map_err(NotTaken::Moving)?;
            return last().map_err(|error| {
                let _ = fs::rename(self.directory, &self.whole);
                NotTaken::Undone(error)
            });
        }
        self.keep_permissions().map_err(NotTaken::Moving)?;
        exchange(&self.whole, self.directory).map_err(NotTaken::Moving)?;
        // Linked files are in both, so only new, renamed and removed ones could be lost.
        let mut after = BTreeMap::new();
        let result =
            survey(&self.whole, Path::new(""), self.plan, &mut after).and_then(|complete| {
                if complete && after == self.before {
                    return last();
                }
                Err(io::Error::other(
                    "its files changed in this moment; try again",
                ))
            });
        result.map_err(|error| {
            let _ = exchange(&self.whole, self.directory);
            NotTaken::Undone(error)
        })
    }

    fn keep_permissions(&self) -> io::Result<()> {
        let own = Some(PathBuf::new());
        let folders = self
            .before
            .iter()
            .filter(|(_, stamp)| stamp.kind == Kind::Folder);
        // From the inside out, as permissions may close a folder.
        for path in folders.map(|(path, _)| path.clone()).rev().chain(own) {
            let to = self.whole.join(&path);
            if to.symlink_metadata().is_err() {
                continue;
            }
            let found = fs::metadata(self.directory.join(&path))?;
            let (user, group) = (Uid::from_raw(found.uid()), Gid::from_raw(found.gid()));
            // Only root can, and only root needs to.
            let _ = chown(&to, Some(user), Some(group));
            fs::set_permissions(&to, found.permissions())?;
        }
        Ok(())
    }
}

/// Notes all entries but the staging folders of killed picks; false if one cannot be linked or
/// there are too many.
fn survey(
    directory: &Path,
    inside: &Path,
    plan: &Plan,
    found: &mut BTreeMap<PathBuf, Stamp>,
) -> io::Result<bool> {
    for entry in fs::read_dir(directory.join(inside))? {
        let entry = entry?;
        let name = entry.file_name();
        let metadata = entry.metadata()?;
        let kind = metadata.file_type();
        if inside.as_os_str().is_empty() && place::is_staging(&name, kind) {
            continue;
        }
        let path = inside.join(&name);
        let kind = match () {
            () if kind.is_dir() => Kind::Folder,
            () if kind.is_file() => Kind::File,
            () if kind.is_symlink() => Kind::Link,
            () => return Ok(false),
        };
        let goes = path.to_str().is_some_and(|path| {
            path == record::NAME || plan.write.contains(path) || plan.remove.contains(path)
        });
        let content = (kind == Kind::File && goes)
            .then(|| (metadata.mtime(), metadata.mtime_nsec(), metadata.size()));
        let stamp = Stamp {
            kind,
            inode: metadata.ino(),
            content,
        };
        found.insert(path.clone(), stamp);
        if found.len() > MAX_ENTRIES {
            return Ok(false);
        }
        if kind == Kind::Folder && !survey(directory, &path, plan, found)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Gives two folders each other's names in one step.
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{RenameFlags, renameat_with};
        renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).map_err(Into::into)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (CWD, one, other);
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn scene() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let (directory, whole) = (root.path().join("dir"), root.path().join("whole"));
        fs::create_dir_all(directory.join("src")).unwrap();
        for (path, text) in [("src/lib.rs", "1"), ("notes", "mine"), (record::NAME, "{}")] {
            fs::write(directory.join(path), text).unwrap();
        }
        (root, directory, whole)
    }

    fn plan() -> Plan {
        Plan {
            write: std::iter::once("src/lib.rs".to_string()).collect(),
            ..Plan::default()
        }
    }

    #[test]
    fn successor_has_the_same_files_but_for_the_plan() {
        let (_root, directory, whole) = scene();
        std::os::unix::fs::symlink("notes", directory.join("link")).unwrap();
        fs::set_permissions(directory.join("src"), Permissions::from_mode(0o750)).unwrap();
        let inode = fs::metadata(directory.join("notes")).unwrap().ino();
        let plan = plan();
        let successor = Successor::build(&plan, &directory, whole).unwrap().unwrap();
        assert!(!successor.folder().join("src/lib.rs").exists());
        fs::write(successor.folder().join("src/lib.rs"), "2").unwrap();
        successor.take_over(&mut || Ok(())).unwrap();
        assert_eq!(
            fs::read_to_string(directory.join("src/lib.rs")).unwrap(),
            "2"
        );
        assert_eq!(
            fs::read_link(directory.join("link")).unwrap(),
            Path::new("notes")
        );
        assert_eq!(fs::metadata(directory.join("notes")).unwrap().ino(), inode);
        let mode = fs::metadata(directory.join("src")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o750);
    }

    #[test]
    fn files_that_look_like_the_remains_of_a_pick_stay() {
        let (_root, directory, whole) = scene();
        let mine = [
            ".pick-notes",
            "src/.pick-abc123",
            ".pick-/mine",
            ".pick-abc1234/mine",
            "src/.pick-abc123x/mine",
        ];
        fs::create_dir_all(directory.join(".pick-Ab3456/whole")).unwrap();
        for path in mine {
            fs::create_dir_all(directory.join(path).parent().unwrap()).unwrap();
            fs::write(directory.join(path), path).unwrap();
        }
        let plan = plan();
        let successor = Successor::build(&plan, &directory, whole).unwrap().unwrap();
        successor.take_over(&mut || Ok(())).unwrap();
        for path in mine {
            assert_eq!(fs::read_to_string(directory.join(path)).unwrap(), path);
        }
        assert!(!directory.join(".pick-Ab3456").exists());
    }

    #[test]
    fn change_in_the_last_moment_brings_the_old_folder_back() {
        type Last = fn(&Path) -> io::Result<()>;
        let changes: [Last; 4] = [
            |directory| fs::write(directory.join("new"), "x"),
            |directory| fs::remove_file(directory.join("notes")),
            |directory| fs::write(directory.join("src/lib.rs"), "longer"),
            |directory| {
                fs::write(directory.join("other"), "x")?;
                fs::rename(directory.join("other"), directory.join("notes"))
            },
        ];
        for change in changes {
            let (_root, directory, whole) = scene();
            let plan = plan();
            let successor = Successor::build(&plan, &directory, whole).unwrap().unwrap();
            change(&directory).unwrap();
            let inode = fs::metadata(&directory).unwrap().ino();
            let error = successor.take_over(&mut || Ok(())).unwrap_err();
            assert!(
                matches!(&error, NotTaken::Undone(error) if error.to_string().contains("changed in this moment")),
                "{error:?}"
            );
            assert_eq!(fs::metadata(&directory).unwrap().ino(), inode);
        }
        let (_root, directory, whole) = scene();
        let plan = plan();
        let successor = Successor::build(&plan, &directory, whole).unwrap().unwrap();
        let inode = fs::metadata(&directory).unwrap().ino();
        let error = successor.take_over(&mut || Err(io::ErrorKind::PermissionDenied.into()));
        assert!(matches!(error, Err(NotTaken::Undone(_))), "{error:?}");
        assert_eq!(fs::metadata(&directory).unwrap().ino(), inode);
    }

    #[test]
    fn folder_that_cannot_be_linked_has_no_successor() {
        let (_root, directory, whole) = scene();
        let _socket = std::os::unix::net::UnixListener::bind(directory.join("socket")).unwrap();
        assert!(
            Successor::build(&plan(), &directory, whole)
                .unwrap()
                .is_none()
        );
    }
}
