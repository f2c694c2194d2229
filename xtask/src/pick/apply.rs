//! Atomic placement of the files of a pick: all of them, or none.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::File;
use super::moves::Moves;
use super::place::{self, Place};
use super::plan::Plan;
use super::record::{self, Record};
use super::whole::{NotTaken, Successor};
use crate::error::Error;
use crate::files::is_plain;

/// The last step of a placement: whatever has to happen together with it, such as one more file to
/// rename. If it fails, nothing was placed.
pub(crate) type Last<'l> = &'l mut dyn FnMut() -> io::Result<()>;

/// One placement: the plan, and what it writes.
pub(crate) struct Placement<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) files: &'a BTreeMap<String, File>,
    pub(crate) record: &'a Record,
}

impl Placement<'_> {
    /// Puts the new folder in the place of the old one in a single step, where the system can; else
    /// moves the files in one by one. Stages where cargo takes the new folder for no member of a
    /// workspace, or in the folder itself where the user may write nowhere else.
    pub(crate) fn apply(&self, place: &Place, last: Last<'_>) -> Result<(), Error> {
        let directory = place.path();
        let mut parents = Moves::default();
        let placed = parents.make_folder(place.parent()).and_then(|()| {
            if self.as_a_whole(place, last)? {
                return Ok(());
            }
            let staging = staging(place.staging())?;
            self.one_by_one(directory, staging.path(), last)
        });
        placed.map_err(|error| {
            parents.undo();
            Error::io(
                format_args!("nothing was picked into {}", directory.display()),
                &error,
            )
        })
    }

    /// False if that is not possible here; the last step was not tried then.
    fn as_a_whole(&self, place: &Place, last: Last<'_>) -> io::Result<bool> {
        let directory = place.path();
        if directory.is_dir() && !cfg!(target_os = "linux") {
            return Ok(false);
        }
        // The folder may be all that the user may write to, or a disk of its own.
        let Some(Ok(staging)) = place.home().map(|home| staging(&home)) else {
            return Ok(false);
        };
        let whole = staging.path().join("whole");
        let Ok(Some(successor)) = Successor::build(self.plan, directory, whole) else {
            return Ok(false);
        };
        for path in self.plan.write.iter().chain(&self.plan.remove) {
            below(successor.folder(), path)?;
        }
        stage(self.plan, self.files, successor.folder())?;
        remove_empty_folders(self.plan, successor.folder());
        let text = self.record.text().map_err(io::Error::other)?;
        fs::write(successor.folder().join(record::NAME), text)?;
        match successor.take_over(last) {
            Ok(()) => Ok(true),
            Err(NotTaken::Moving(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::CrossesDevices
                        | io::ErrorKind::ResourceBusy
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::Unsupported
                        | io::ErrorKind::PermissionDenied
                ) =>
            {
                Ok(false)
            }
            Err(NotTaken::Moving(error) | NotTaken::Undone(error)) => Err(error),
        }
    }

    /// Writes the new files to the staging folder, then moves them in one by one, and undoes the
    /// moves if one fails.
    ///
    /// A program that is killed undoes nothing. So the record is there from the first move on, and
    /// has the new digests only after the last, and each path has the old file until it has the new
    /// one: whatever then stands in the folder is as recorded or as the next pick would write it.
    fn one_by_one(&self, directory: &Path, staging: &Path, last: Last<'_>) -> io::Result<()> {
        let plan = self.plan;
        let (fresh, replaced) = (staging.join("new"), staging.join("old"));
        stage(plan, self.files, &fresh)?;
        let finished = staging.join("finished.json");
        fs::write(&finished, self.record.text().map_err(io::Error::other)?)?;
        let begun = staging.join("begun.json");
        let text = self.record.begun().text().map_err(io::Error::other)?;
        fs::write(&begun, text)?;

        let mut moves = Moves::default();
        let moved = (|| {
            moves.make_folder(directory)?;
            let recorded = directory.join(record::NAME);
            if recorded.symlink_metadata().is_err() {
                moves.rename(&begun, &recorded)?;
            }
            for path in &plan.write {
                let (from, at) = (fresh.join(path), below(directory, path)?);
                if at.symlink_metadata().is_ok() {
                    moves.replace(&from, &at, &replaced.join(path))?;
                } else {
                    moves.rename(&from, &at)?;
                }
            }
            for path in &plan.remove {
                moves.rename(&below(directory, path)?, &replaced.join(path))?;
            }
            moves.replace(&finished, &recorded, &replaced.join(record::NAME))?;
            last()
        })();
        if let Err(error) = moved {
            moves.undo();
            return Err(error);
        }
        remove_empty_folders(plan, directory);
        Ok(())
    }
}

/// A folder for files before they are moved in, on the same disk.
fn staging(home: &Path) -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(place::STAGING)
        .tempdir_in(home)
}

/// The path in the folder, if nothing on the way leads out of it: a link may have appeared since
/// the plan was made.
fn below(directory: &Path, path: &str) -> io::Result<PathBuf> {
    let refused = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    if !is_plain(path) {
        return Err(refused(format!("{path:?} leads out of it")));
    }
    let mut at = directory.to_path_buf();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        if parts.peek().is_none() {
            break;
        }
        match at.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(refused(format!("{} is not a folder", at.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

/// Writes the files of the plan into a folder.
pub(super) fn stage(plan: &Plan, files: &BTreeMap<String, File>, fresh: &Path) -> io::Result<()> {
    for (path, file) in files.iter().filter(|(path, _)| plan.write.contains(*path)) {
        let at = fresh.join(path);
        if let Some(folder) = at.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&at, &file.bytes)?;
        #[cfg(unix)]
        if file.executable {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&at, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

/// The folders that only removed files were in.
fn remove_empty_folders(plan: &Plan, directory: &Path) {
    for path in &plan.remove {
        for folder in Path::new(path)
            .ancestors()
            .skip(1)
            .take_while(|folder| !folder.as_os_str().is_empty())
        {
            // It refuses a folder that holds anything.
            if fs::remove_dir(directory.join(folder)).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::Crate;

    fn files(files: &[(&str, &str)]) -> BTreeMap<String, File> {
        let file = |text: &str| File {
            bytes: text.into(),
            executable: false,
        };
        files
            .iter()
            .map(|(path, text)| ((*path).to_string(), file(text)))
            .collect()
    }

    fn record(files: &BTreeMap<String, File>) -> Record {
        let package = Crate {
            name: "tiny".to_string(),
            package: "tiny".to_string(),
            version: "0.1.0".to_string(),
            manifest: PathBuf::new(),
            description: String::new(),
            has_compare: false,
            declared: Default::default(),
            has_rivals: false,
            features: Vec::new(),
        };
        Record::of(&package, files)
    }

    /// Applies the plan to the folder `dir`, in both ways.
    fn apply_in(
        root: &Path,
        plan: &Plan,
        new: &BTreeMap<String, File>,
        way: Way,
    ) -> Result<(), io::Error> {
        let record = record(new);
        let placement = Placement {
            plan,
            files: new,
            record: &record,
        };
        let directory = root.join("dir");
        if way == Way::Whole {
            let place = Place::resolve(&directory).unwrap();
            return placement
                .apply(&place, &mut || Ok(()))
                .map_err(io::Error::other);
        }
        let staging = tempfile::tempdir_in(root).unwrap();
        placement.one_by_one(&directory, staging.path(), &mut || Ok(()))
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Way {
        Whole,
        OneByOne,
    }

    const WAYS: [Way; 2] = [Way::Whole, Way::OneByOne];

    fn paths(paths: &[&str]) -> std::collections::BTreeSet<String> {
        paths.iter().map(|path| (*path).to_string()).collect()
    }

    #[test]
    fn files_are_written_replaced_and_removed_with_folders() {
        WAYS.into_iter().for_each(files_are_replaced);
    }

    fn files_are_replaced(way: Way) {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("dir");
        let first = files(&[("a", "1"), ("gone/deep/b", "1")]);
        let plan = Plan {
            write: paths(&["a", "gone/deep/b"]),
            ..Plan::default()
        };
        apply_in(root.path(), &plan, &first, way).unwrap();
        assert_eq!(fs::read_to_string(dir.join("gone/deep/b")).unwrap(), "1");
        assert_eq!(Record::read(&dir).unwrap(), Some(record(&first)));

        let second = files(&[("a", "2")]);
        let plan = Plan {
            write: paths(&["a"]),
            remove: paths(&["gone/deep/b"]),
            ..Plan::default()
        };
        apply_in(root.path(), &plan, &second, way).unwrap();
        assert_eq!(fs::read_to_string(dir.join("a")).unwrap(), "2");
        assert!(!dir.join("gone").exists());
        assert_eq!(Record::read(&dir).unwrap(), Some(record(&second)));
        assert_eq!(
            fs::read_dir(root.path()).unwrap().count(),
            1,
            "only the picked folder is left"
        );
    }

    #[test]
    fn a_path_that_leads_out_of_the_folder_moves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let (dir, victim) = (root.path().join("dir"), root.path().join("out/victim"));
        fs::create_dir_all(root.path().join("out")).unwrap();
        fs::create_dir(&dir).unwrap();
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink("../out", dir.join("link")).unwrap();
        std::os::unix::fs::symlink(root.path().join("out"), dir.join("absolute")).unwrap();
        for way in WAYS {
            for path in ["../out/victim", "link/victim", "a/../../out/victim"] {
                let remove = Plan {
                    remove: paths(&[path]),
                    ..Plan::default()
                };
                apply_in(root.path(), &remove, &files(&[]), way).unwrap_err();
                assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{path}");
            }
            for path in ["link/victim", "absolute/victim", "absolute/new"] {
                let write = Plan {
                    write: paths(&[path]),
                    ..Plan::default()
                };
                apply_in(root.path(), &write, &files(&[(path, "x")]), way).unwrap_err();
                assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
                assert!(!root.path().join("out/new").exists());
            }
        }
    }

    #[test]
    fn a_failure_half_way_leaves_all_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("dir");
        let first = files(&[("a", "1"), ("b", "1")]);
        apply_in(
            root.path(),
            &Plan {
                write: paths(&["a", "b"]),
                ..Plan::default()
            },
            &first,
            Way::OneByOne,
        )
        .unwrap();

        // The file to be removed last has gone meanwhile.
        let second = files(&[("a", "2"), ("new/c", "2")]);
        let plan = Plan {
            write: paths(&["a", "new/c"]),
            remove: paths(&["b", "vanished"]),
            ..Plan::default()
        };
        apply_in(root.path(), &plan, &second, Way::OneByOne).unwrap_err();
        assert_eq!(fs::read_to_string(dir.join("a")).unwrap(), "1");
        assert_eq!(fs::read_to_string(dir.join("b")).unwrap(), "1");
        assert!(!dir.join("new").exists());
        assert_eq!(Record::read(&dir).unwrap(), Some(record(&first)));
    }

    #[test]
    fn a_first_pick_that_fails_leaves_no_folder() {
        let root = tempfile::tempdir().unwrap();
        let plan = Plan {
            write: paths(&["a"]),
            remove: paths(&["vanished"]),
            ..Plan::default()
        };
        apply_in(root.path(), &plan, &files(&[("a", "1")]), Way::OneByOne).unwrap_err();
        assert!(!root.path().join("dir").exists());
    }

    #[test]
    fn last_step_that_fails_is_not_tried_again() {
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ResourceBusy] {
            for exists in [false, true] {
                let root = tempfile::tempdir().unwrap();
                let dir = root.path().join("deep/dir");
                if exists {
                    fs::create_dir_all(&dir).unwrap();
                }
                let new = files(&[("a", "1")]);
                let placement = Placement {
                    plan: &Plan {
                        write: paths(&["a"]),
                        ..Plan::default()
                    },
                    files: &new,
                    record: &record(&new),
                };
                let mut calls = 0;
                let placed = placement.apply(&Place::resolve(&dir).unwrap(), &mut || {
                    calls += 1;
                    // Whatever it had to do is done once only.
                    if calls == 1 { Err(kind.into()) } else { Ok(()) }
                });
                assert_eq!(placed.unwrap_err().exit_code(), 1);
                assert_eq!(calls, 1);
                assert!(!dir.join("a").exists());
                assert_eq!(root.path().join("deep").exists(), exists);
            }
        }
    }
}
