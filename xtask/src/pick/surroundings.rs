//! The cargo workspace or package that the target folder of a pick is in.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use toml::{Table, Value};

use super::members;
use crate::cargo;
use crate::error::Error;
use crate::files;

/// The limit on a manifest.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// The nearest manifest above the folder, and what it means for a crate there.
#[derive(Debug, PartialEq)]
pub(crate) enum Surroundings {
    /// No workspace: the crate stands alone. The folder of the nearest package, if there is one.
    Alone(Option<PathBuf>),
    /// A workspace that excludes the folder: the crate stands alone.
    Excluded(PathBuf),
    /// A workspace, which the crate is a member of.
    Workspace(Box<Workspace>),
}

/// A workspace of the user.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Workspace {
    /// Its folder.
    pub(crate) root: PathBuf,
    /// Its manifest.
    pub(crate) table: Table,
    /// The target folder as `members` names it.
    pub(crate) folder: String,
    /// Whether `members` covers the folder.
    pub(crate) has_it: bool,
}

impl Surroundings {
    /// Looks for the manifests above the folder, as cargo does.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if one of them cannot be read, or points to a workspace elsewhere.
    pub(crate) fn of(folder: &Path) -> Result<Surroundings, Error> {
        let mut package = None;
        for above in folder.ancestors().skip(1) {
            let manifest = above.join("Cargo.toml");
            let Some(table) = read(&manifest)? else {
                continue;
            };
            let inside = folder.strip_prefix(above).unwrap_or(folder);
            if let Some(workspace) = table.get("workspace").and_then(Value::as_table) {
                // As cargo does: a path in `exclude` wins over a pattern in `members`, and a path
                // there, which names a folder or one above it, wins over both.
                let names = |key: &str| {
                    strings(workspace, key).any(|path| folder.starts_with(above.join(path)))
                };
                if names("exclude") && !names("members") {
                    return Ok(Surroundings::Excluded(above.to_path_buf()));
                }
                let has_it = covers(strings(workspace, "members"), inside);
                return Ok(Surroundings::Workspace(Box::new(Workspace {
                    root: above.to_path_buf(),
                    folder: inside.to_string_lossy().into_owned(),
                    has_it,
                    table,
                })));
            }
            let pointer = table.get("package").and_then(|one| one.get("workspace"));
            if let Some(pointer) = pointer.and_then(Value::as_str) {
                return Err(Error::Usage(format!(
                    "{} is inside a package whose workspace is elsewhere ({} says workspace = {pointer:?}): choose a \
                     folder outside that package",
                    folder.display(),
                    manifest.display()
                )));
            }
            if package.is_none() && table.contains_key("package") {
                package = Some(above.to_path_buf());
            }
        }
        Ok(Surroundings::Alone(package))
    }

    /// The workspace, if there is one.
    pub(crate) fn workspace(&self) -> Option<&Workspace> {
        match self {
            Surroundings::Workspace(workspace) => Some(workspace),
            _ => None,
        }
    }
}

impl Workspace {
    /// Its `Cargo.toml`.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.root.join("Cargo.toml")
    }

    /// The manifest with the folder as a member; `None` if it is one already.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the manifest has no place for it or must not be replaced.
    pub(crate) fn with_member(&self) -> Result<Option<String>, Error> {
        if self.has_it {
            return Ok(None);
        }
        let path = self.manifest();
        let by_hand = |why: &dyn std::fmt::Display| {
            Error::Usage(format!(
                "cannot add a member to {}: {why}; put \"{}\" into the members of its [workspace] first",
                path.display(),
                self.folder
            ))
        };
        files::check_replaceable(&path).map_err(|error| by_hand(&error))?;
        let text = files::read_text(&path, MAX_MANIFEST_BYTES).map_err(|error| by_hand(&error))?;
        let text = members::with_member(&text, &self.folder);
        text.map(Some).ok_or_else(|| {
            by_hand(&"its [workspace] is written in a form that this command does not edit")
        })
    }

    /// Checks that cargo can read the workspace, and that none of these packages is in it, other
    /// than in the folder itself.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`].
    pub(crate) fn refuse_collisions(&self, names: &[&str]) -> Result<(), Error> {
        let mut command = cargo::command();
        command
            .args([
                "metadata",
                "--format-version",
                "1",
                "--no-deps",
                "--offline",
            ])
            .arg("--manifest-path")
            .arg(self.manifest())
            .current_dir(&self.root)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = command
            .output()
            .map_err(|error| cargo::not_started(&command, &error))?;
        let unusable = |why: &str| {
            Error::Usage(format!(
                "cargo cannot read the workspace of {}: {why}; mend it first, or choose a folder outside",
                self.manifest().display()
            ))
        };
        // A member that is named before it is there is what the pick brings.
        if !output.status.success() && self.has_it {
            return Ok(());
        }
        if !output.status.success() {
            return Err(unusable(&String::from_utf8_lossy(&output.stderr)));
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).map_err(|error| unusable(&error.to_string()))?;
        let folder = self.root.join(&self.folder);
        let other = metadata.packages.into_iter().find(|package| {
            names.contains(&package.name.as_str()) && !package.manifest_path.starts_with(&folder)
        });
        match other {
            None => Ok(()),
            Some(other) => Err(Error::Usage(format!(
                "the workspace of {} has a package `{}` already, in {}: name that folder to renew it, or choose a \
                 folder outside",
                self.manifest().display(),
                other.name,
                other.manifest_path.display()
            ))),
        }
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

fn read(manifest: &Path) -> Result<Option<Table>, Error> {
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
                ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(unusable(&error)),
    };
    let table = text.parse();
    table
        .map(Some)
        .map_err(|error: toml::de::Error| unusable(&error.message()))
}

fn strings<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a str> {
    let list = table.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// Whether one of the patterns of `members` matches the folder.
fn covers<'a>(mut patterns: impl Iterator<Item = &'a str>, folder: &Path) -> bool {
    let folder: Vec<&str> = folder.iter().filter_map(|part| part.to_str()).collect();
    patterns.any(|pattern| {
        let parts: Vec<&str> = pattern
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        matches(&parts, &folder)
    })
}

fn matches(pattern: &[&str], folder: &[&str]) -> bool {
    match (pattern.split_first(), folder.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            (0..=folder.len()).any(|skipped| matches(rest, &folder[skipped..]))
        }
        (Some((one, rest)), Some((name, deeper))) => {
            let (one, name): (Vec<char>, Vec<char>) =
                (one.chars().collect(), name.chars().collect());
            part_matches(&one, &name) && matches(rest, deeper)
        }
        _ => false,
    }
}

/// One part of a pattern, with the `*`, `?` and `[…]` of the glob crate.
fn part_matches(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => (0..=name.len()).any(|taken| part_matches(rest, &name[taken..])),
        Some(('[', rest)) => {
            // A `]` in the first place is one of the characters.
            let negated = rest.first() == Some(&'!');
            let list = &rest[usize::from(negated)..];
            let Some(end) = list.iter().skip(1).position(|one| *one == ']') else {
                return false;
            };
            let (set, behind) = (&list[..=end], &list[end + 2..]);
            name.split_first().is_some_and(|(first, deeper)| {
                in_set(set, *first) != negated && part_matches(behind, deeper)
            })
        }
        Some((one, rest)) => name.split_first().is_some_and(|(first, deeper)| {
            (*one == '?' || one == first) && part_matches(rest, deeper)
        }),
    }
}

fn in_set(set: &[char], one: char) -> bool {
    let mut rest = set;
    while let Some((first, behind)) = rest.split_first() {
        match behind {
            ['-', last, ..] => {
                if (*first..=*last).contains(&one) {
                    return true;
                }
                rest = &behind[2..];
            }
            _ => {
                if *first == one {
                    return true;
                }
                rest = behind;
            }
        }
    }
    false
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
    fn nearest_workspace_is_found_unless_it_excludes_the_folder() {
        let (_keep, root) = temporary();
        let folder = root.join("app/vendor/threads");
        let write = |text: &str| {
            std::fs::create_dir_all(root.join("app")).unwrap();
            std::fs::write(root.join("app/Cargo.toml"), text).unwrap();
        };
        assert_eq!(Surroundings::of(&folder), Ok(Surroundings::Alone(None)));
        write("[package]\nname = 'app'\n");
        let app = root.join("app");
        assert_eq!(
            Surroundings::of(&folder),
            Ok(Surroundings::Alone(Some(app.clone()))),
            "a package alone does not claim what is below it"
        );
        write("[workspace]\nmembers = ['vendor/*']\n");
        let found = Surroundings::of(&folder).unwrap();
        let workspace = found.workspace().unwrap();
        assert_eq!(workspace.folder, "vendor/threads");
        assert!(workspace.has_it);
        write("[workspace]\nexclude = ['vendor']\n");
        assert_eq!(Surroundings::of(&folder), Ok(Surroundings::Excluded(app)));
        write("[workspace]\nmembers = ['vendor/threads']\nexclude = ['vendor']\n");
        let found = Surroundings::of(&folder).unwrap();
        assert!(
            found.workspace().unwrap().has_it,
            "a member is not excluded"
        );
        for exclude in ["vendor/threads", "./vendor/threads/", "./vendor"] {
            write(&format!(
                "[workspace]\nmembers = ['vendor/*']\nexclude = ['{exclude}']\n"
            ));
            let found = Surroundings::of(&folder);
            let excluded = Surroundings::Excluded(root.join("app"));
            assert_eq!(found, Ok(excluded), "{exclude} wins over a pattern");
        }
        write("[workspace]\nmembers = ['./vendor']\nexclude = ['vendor']\n");
        let found = Surroundings::of(&folder).unwrap();
        assert!(!found.workspace().unwrap().has_it, "only its parent is one");
        write("[package]\nname = 'app'\nworkspace = '../..'\n");
        let error = Surroundings::of(&folder).unwrap_err();
        assert!(
            error.to_string().contains("workspace is elsewhere"),
            "{error}"
        );
        write("[workspace\n");
        assert_eq!(Surroundings::of(&folder).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn patterns_of_members_match_as_cargo_matches_them() {
        let covered =
            |pattern: &str, folder: &str| covers([pattern].into_iter(), Path::new(folder));
        for (pattern, folder) in [
            ("vendor/queue", "vendor/queue"),
            ("./vendor//queue/", "vendor/queue"),
            ("vendor/*", "vendor/queue"),
            ("*/q*e", "vendor/queue"),
            ("vendor/?ueue", "vendor/queue"),
            ("vendor/[a-q]ueue", "vendor/queue"),
            ("vendor/[!x]ueue", "vendor/queue"),
            ("**/queue", "vendor/deep/queue"),
            ("**", "vendor/queue"),
        ] {
            assert!(covered(pattern, folder), "{pattern} {folder}");
        }
        for (pattern, folder) in [
            ("vendor", "vendor/queue"),
            ("vendor/*", "vendor/deep/queue"),
            ("vendor/queue", "vendor"),
            ("vendor/[!q]ueue", "vendor/queue"),
            ("vendor/[q", "vendor/q"),
            ("queue", "vendor/queue"),
        ] {
            assert!(!covered(pattern, folder), "{pattern} {folder}");
        }
    }
}
