//! The plan of a pick: the files it would write, keep and remove, or why it must not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use super::File;
use super::record::Record;
use crate::error::Error;

/// The state of a path of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing.
    Missing,
    /// A file with this digest.
    File(String),
    /// A folder, a link, or a file where a folder would have to be.
    Other,
}

/// The changes, each by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Files that are missing or older.
    pub(crate) write: BTreeSet<String>,
    /// Files that are there already.
    pub(crate) keep: BTreeSet<String>,
    /// Files of the earlier pick that the crate no longer has.
    pub(crate) remove: BTreeSet<String>,
}

/// The paths that no pick may touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conflicts {
    /// Files of the earlier pick that were changed since.
    pub(crate) changed: BTreeSet<String>,
    /// A file that no pick put there.
    pub(crate) foreign: BTreeSet<String>,
}

/// Compares what is to be with what was picked before and with what stands there now.
pub(crate) fn plan(
    files: &BTreeMap<String, File>,
    earlier: Option<&Record>,
    state: impl Fn(&str) -> State,
) -> Result<Plan, Conflicts> {
    let mut plan = Plan::default();
    let mut conflicts = Conflicts::default();
    let none = BTreeMap::new();
    let before = earlier.map_or(&none, |record| &record.files);
    for (path, file) in files {
        let goes_to = match (state(path), before.get(path)) {
            (State::Missing, _) => &mut plan.write,
            // Equal to what would be written: nothing is lost, whoever wrote it.
            (State::File(found), _) if found == file.digest() => &mut plan.keep,
            (State::File(found), Some(before)) if found == *before => &mut plan.write,
            (_, Some(_)) => &mut conflicts.changed,
            (_, None) => &mut conflicts.foreign,
        };
        goes_to.insert(path.clone());
    }
    for (path, digest) in before.iter().filter(|(path, _)| !files.contains_key(*path)) {
        let goes_to = match state(path) {
            State::Missing => continue,
            State::File(found) if found == *digest => &mut plan.remove,
            _ => &mut conflicts.changed,
        };
        goes_to.insert(path.clone());
    }
    if conflicts == Conflicts::default() {
        Ok(plan)
    } else {
        Err(conflicts)
    }
}

impl Conflicts {
    /// The usage error that names them.
    pub(crate) fn into_error(self, directory: &Path) -> Error {
        let list = |paths: BTreeSet<String>| paths.into_iter().collect::<Vec<_>>().join(", ");
        let mut told = Vec::new();
        if !self.changed.is_empty() {
            told.push(format!(
                "changed since they were picked: {}",
                list(self.changed)
            ));
        }
        if !self.foreign.is_empty() {
            told.push(format!("not written by a pick: {}", list(self.foreign)));
        }
        Error::Usage(format!(
            "nothing was written to {}, to spare files that are {}; --update changes the others, or pick into another folder",
            directory.display(),
            told.join("; and ")
        ))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (write, keep, remove) = (self.write.len(), self.keep.len(), self.remove.len());
        let files = if write == 1 { "file" } else { "files" };
        write!(
            f,
            "{write} {files} written, {keep} unchanged, {remove} removed"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pick::digest;

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

    fn record(of: &[(&str, &str)]) -> Record {
        let files = files(of)
            .iter()
            .map(|(path, file)| (path.clone(), file.digest()))
            .collect();
        Record {
            name: "threads".to_string(),
            version: "0.1.0".to_string(),
            inherit: false,
            files,
        }
    }

    /// On disk is `there`, whose texts are files but for `DIR`.
    fn planned(
        new: &[(&str, &str)],
        earlier: Option<&[(&str, &str)]>,
        there: &[(&str, &str)],
    ) -> Result<Plan, Conflicts> {
        let record = earlier.map(record);
        plan(&files(new), record.as_ref(), |path| {
            match there.iter().find(|(at, _)| *at == path) {
                None => State::Missing,
                Some((_, "DIR")) => State::Other,
                Some((_, text)) => State::File(digest(text.as_bytes())),
            }
        })
    }

    fn set(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(|path| (*path).to_string()).collect()
    }

    #[test]
    fn a_first_pick_writes_everything() {
        let plan = planned(&[("a", "1"), ("b", "2")], None, &[]).unwrap();
        assert_eq!(
            plan,
            Plan {
                write: set(&["a", "b"]),
                ..Plan::default()
            }
        );
    }

    #[test]
    fn a_second_pick_writes_what_is_new_and_removes_what_is_gone() {
        let earlier = [
            ("same", "1"),
            ("old", "1"),
            ("gone", "1"),
            ("deleted", "1"),
            ("gone and deleted", "1"),
        ];
        let there = [("same", "1"), ("old", "1"), ("gone", "1")];
        let new = [("same", "1"), ("old", "2"), ("new", "1"), ("deleted", "1")];
        let plan = planned(&new, Some(&earlier), &there).unwrap();
        let expected = Plan {
            write: set(&["old", "new", "deleted"]),
            keep: set(&["same"]),
            remove: set(&["gone"]),
        };
        assert_eq!(plan, expected);
        assert_eq!(plan.to_string(), "3 files written, 1 unchanged, 1 removed");
    }

    #[test]
    fn changed_files_are_named_even_if_the_crate_lost_them() {
        let earlier = [("a", "1"), ("gone", "1"), ("dir", "1")];
        let there = [("a", "mine"), ("gone", "mine"), ("dir", "DIR")];
        let conflicts = planned(
            &[("a", "2"), ("dir", "1"), ("b", "1")],
            Some(&earlier),
            &there,
        )
        .unwrap_err();
        assert_eq!(
            conflicts,
            Conflicts {
                changed: set(&["a", "dir", "gone"]),
                foreign: set(&[])
            }
        );
        let error = conflicts.into_error(Path::new("/x")).to_string();
        assert!(
            error.contains("changed since they were picked: a, dir, gone;"),
            "{error}"
        );
    }

    #[test]
    fn foreign_files_are_named() {
        let conflicts = planned(
            &[("a", "1"), ("b", "1")],
            Some(&[]),
            &[("a", "mine"), ("b", "DIR")],
        )
        .unwrap_err();
        assert_eq!(
            conflicts,
            Conflicts {
                changed: set(&[]),
                foreign: set(&["a", "b"])
            }
        );
    }

    #[test]
    fn a_file_that_is_as_it_would_be_written_is_no_conflict() {
        // As after a pick that was killed before it could record what it wrote.
        let plan = planned(
            &[("a", "2"), ("b", "2")],
            Some(&[("b", "1")]),
            &[("a", "2"), ("b", "2")],
        )
        .unwrap();
        assert_eq!(
            plan,
            Plan {
                keep: set(&["a", "b"]),
                ..Plan::default()
            }
        );
    }

    #[test]
    fn a_file_deleted_since_is_written_again() {
        let plan = planned(&[("a", "1")], Some(&[("a", "1")]), &[]).unwrap();
        assert_eq!(plan.write, set(&["a"]));
    }
}
