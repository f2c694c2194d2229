//! The plan of an update: what is new comes in wherever the user changed nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::File;
use super::plan::{Plan, State};
use super::record::Record;
use crate::files;

/// The product of the lengths of two texts in lines beyond which their lines are not matched.
const MAX_PAIRS: usize = 4_000_000;

/// Why a file stays as the user left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The user changed it, and the crate did not.
    Yours,
    /// Both changed it.
    Both,
    /// The user deleted it.
    Deleted,
    /// The user changed it, and the crate no longer has it.
    Gone,
    /// The crate has a new file where the user has one.
    Foreign,
}

/// The changes of an update, and the files that stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Update {
    /// The changes.
    pub(crate) plan: Plan,
    /// The files that stay, by path.
    pub(crate) kept: BTreeMap<String, Kept>,
}

/// Compares three versions of each file: what was picked, what stands there, and what the crate has
/// now.
pub(crate) fn update(
    files: &BTreeMap<String, File>,
    earlier: &Record,
    state: impl Fn(&str) -> State,
) -> Update {
    let mut update = Update::default();
    let plan = &mut update.plan;
    for (path, file) in files {
        let new = file.digest();
        let kept = match (state(path), earlier.files.get(path)) {
            (State::Missing, Some(_)) => Kept::Deleted,
            (State::File(found), _) if found == new => {
                plan.keep.insert(path.clone());
                continue;
            }
            (State::Missing, None) => {
                plan.write.insert(path.clone());
                continue;
            }
            (State::File(found), Some(before)) if found == *before => {
                plan.write.insert(path.clone());
                continue;
            }
            (_, Some(before)) if *before == new => Kept::Yours,
            (_, Some(_)) => Kept::Both,
            (_, None) => Kept::Foreign,
        };
        update.kept.insert(path.clone(), kept);
    }
    for (path, digest) in &earlier.files {
        if files.contains_key(path) {
            continue;
        }
        match state(path) {
            State::Missing => {}
            State::File(found) if found == *digest => {
                plan.remove.insert(path.clone());
            }
            _ => {
                update.kept.insert(path.clone(), Kept::Gone);
            }
        }
    }
    update
}

impl Update {
    /// The record after the update: the user's own files are not in it, so that no pick ever
    /// touches them.
    pub(crate) fn recorded(&self, mut record: Record) -> Record {
        record
            .files
            .retain(|path, _| self.kept.get(path) != Some(&Kept::Foreign));
        record
    }

    /// The files that both sides changed.
    pub(crate) fn conflicts(&self) -> impl Iterator<Item = &String> {
        let both = |kept: &Kept| matches!(kept, Kept::Both | Kept::Foreign);
        self.kept
            .iter()
            .filter(move |(_, kept)| both(kept))
            .map(|(path, _)| path)
    }

    /// A line for each file that changes or stays, with the lines added and removed. `directory` is
    /// the folder before the update.
    pub(crate) fn text(&self, files: &BTreeMap<String, File>, directory: &Path) -> String {
        let mut text = String::new();
        let old = |path: &str| {
            let bytes = files::read(&directory.join(path), super::place::MAX_FILE_BYTES);
            bytes.unwrap_or_default()
        };
        for path in &self.plan.write {
            let new = files.get(path).map_or(&[][..], |file| &file.bytes);
            let exists = directory.join(path).symlink_metadata().is_ok();
            let (added, removed) = changed_lines(&old(path), new);
            let word = if exists { "changed" } else { "new    " };
            let _ = writeln!(text, "  {word}  {path}  +{added} -{removed}");
        }
        for path in &self.plan.remove {
            let _ = writeln!(text, "  removed  {path}");
        }
        for (path, kept) in &self.kept {
            let why = match kept {
                Kept::Yours => "changed by you, not in the crate",
                Kept::Both => "changed by you and in the crate: yours stays",
                Kept::Deleted => "deleted by you: it stays away",
                Kept::Gone => "changed by you, no longer in the crate: yours stays",
                Kept::Foreign => "new in the crate, and not written by a pick: yours stays",
            };
            let _ = writeln!(text, "  kept     {path}  {why}");
        }
        text
    }
}

/// The numbers of lines that only the new text has, and that only the old one has.
fn changed_lines(old: &[u8], new: &[u8]) -> (usize, usize) {
    let (mut old, mut new): (Vec<&[u8]>, Vec<&[u8]>) = (lines(old), lines(new));
    let same = old
        .iter()
        .zip(&new)
        .take_while(|(one, other)| one == other)
        .count();
    old.drain(..same);
    new.drain(..same);
    while !old.is_empty() && old.last() == new.last() {
        old.pop();
        new.pop();
    }
    if old.len().saturating_mul(new.len()) > MAX_PAIRS {
        return (new.len(), old.len());
    }
    // The longest common subsequence, row by row.
    let mut row = vec![0_usize; new.len() + 1];
    for one in &old {
        let mut diagonal = 0;
        for (at, other) in new.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if one == other {
                diagonal + 1
            } else {
                above.max(row[at])
            };
            diagonal = above;
        }
    }
    let common = row[new.len()];
    (new.len() - common, old.len() - common)
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pick::digest;

    fn updated(new: &[(&str, &str)], earlier: &[(&str, &str)], there: &[(&str, &str)]) -> Update {
        let file = |text: &str| File {
            bytes: text.into(),
            executable: false,
        };
        let files = new
            .iter()
            .map(|(path, text)| ((*path).to_string(), file(text)))
            .collect();
        let recorded = earlier
            .iter()
            .map(|(path, text)| ((*path).to_string(), digest(text.as_bytes())));
        let record = Record {
            name: "tiny".to_string(),
            version: "0.1.0".to_string(),
            inherit: false,
            files: recorded.collect(),
        };
        let update = update(&files, &record, |path| {
            match there.iter().find(|(at, _)| *at == path) {
                None => State::Missing,
                Some((_, "DIR")) => State::Other,
                Some((_, text)) => State::File(digest(text.as_bytes())),
            }
        });
        let recorded = update.recorded(Record {
            files: files
                .iter()
                .map(|(path, file)| (path.clone(), file.digest()))
                .collect(),
            ..record
        });
        for (path, kept) in &update.kept {
            assert_eq!(
                recorded.files.contains_key(path),
                !matches!(kept, Kept::Foreign | Kept::Gone),
                "{path}"
            );
        }
        update
    }

    #[test]
    fn each_file_is_changed_or_kept_by_its_three_versions() {
        let update = updated(
            &[
                ("same", "1"),
                ("newer", "2"),
                ("mine", "1"),
                ("both", "2"),
                ("merged", "2"),
                ("deleted", "2"),
                ("new", "1"),
                ("foreign", "1"),
                ("folder", "1"),
            ],
            &[
                ("same", "1"),
                ("newer", "1"),
                ("mine", "1"),
                ("both", "1"),
                ("merged", "1"),
                ("deleted", "1"),
                ("gone", "1"),
                ("gone mine", "1"),
                ("gone twice", "1"),
                ("folder", "1"),
            ],
            &[
                ("same", "1"),
                ("newer", "1"),
                ("mine", "m"),
                ("both", "m"),
                ("merged", "2"),
                ("gone", "1"),
                ("gone mine", "m"),
                ("foreign", "m"),
                ("folder", "DIR"),
            ],
        );
        let names =
            |paths: &std::collections::BTreeSet<String>| paths.iter().cloned().collect::<Vec<_>>();
        assert_eq!(names(&update.plan.write), ["new", "newer"]);
        assert_eq!(names(&update.plan.keep), ["merged", "same"]);
        assert_eq!(names(&update.plan.remove), ["gone"]);
        let kept: Vec<(&str, Kept)> = update
            .kept
            .iter()
            .map(|(path, kept)| (path.as_str(), *kept))
            .collect();
        assert_eq!(
            kept,
            [
                ("both", Kept::Both),
                ("deleted", Kept::Deleted),
                ("folder", Kept::Yours),
                ("foreign", Kept::Foreign),
                ("gone mine", Kept::Gone),
                ("mine", Kept::Yours),
            ]
        );
        assert_eq!(update.conflicts().collect::<Vec<_>>(), ["both", "foreign"]);
    }

    #[test]
    fn lines_are_counted_as_diff_counts_them() {
        for (old, new, expected) in [
            ("", "", (0, 0)),
            ("a\nb\nc\n", "a\nx\nc\n", (1, 1)),
            ("a\nb\n", "b\na\n", (1, 1)),
            ("a\n", "a\nb\nc\n", (2, 0)),
            ("a\nb\nc\nd\n", "b\nd\n", (0, 2)),
            ("a", "a\n", (1, 1)),
        ] {
            assert_eq!(
                changed_lines(old.as_bytes(), new.as_bytes()),
                expected,
                "{old:?} {new:?}"
            );
        }
    }
}
