//! A replica of the target folder for the trial of a pick.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use super::place::{self, MAX_FILE_BYTES};

/// The most files of the user that are copied into a trial. Others are linked, so that the trial
/// has them too.
const MAX_COPIED: usize = 20_000;

/// Copies a folder without `target`, `.git` and the staging folders of killed picks at its top.
/// Files in `own`, which are the crate's, are always copied; a folder with too many others, and a
/// large file, become links to the original.
pub(crate) fn replicate(from: &Path, to: &Path, own: &BTreeSet<&str>) -> io::Result<()> {
    let replica = Replica {
        from,
        to,
        own,
        // With the folders that they are in.
        crates: own
            .iter()
            .flat_map(|path| Path::new(path).ancestors())
            .collect(),
    };
    let mut left = MAX_COPIED;
    replica.copy(Path::new(""), &mut left)
}

struct Replica<'a> {
    from: &'a Path,
    to: &'a Path,
    own: &'a BTreeSet<&'a str>,
    crates: BTreeSet<&'a Path>,
}

impl Replica<'_> {
    fn copy(&self, inside: &Path, left: &mut usize) -> io::Result<()> {
        fs::create_dir_all(self.to.join(inside))?;
        for entry in fs::read_dir(self.from.join(inside))? {
            let entry = entry?;
            let (name, kind) = (entry.file_name(), entry.file_type()?);
            let at_top = inside.as_os_str().is_empty();
            let is_built = kind.is_dir() && (name == "target" || name == ".git");
            if at_top && (is_built || place::is_staging(&name, kind)) {
                continue;
            }
            let path = inside.join(&name);
            let (from, to) = (entry.path(), self.to.join(&path));
            if kind.is_symlink() {
                symlink(self.target(&from, inside)?, &to)?;
            } else if kind.is_dir() {
                // It has files of the crate, or few enough others.
                let is_own = self.crates.contains(path.as_path());
                if is_own || fits(&from, *left)? {
                    *left = left.saturating_sub(usize::from(!is_own));
                    self.copy(&path, left)?;
                } else {
                    symlink(&from, &to)?;
                }
            } else if kind.is_file() {
                let is_own = path.to_str().is_some_and(|path| self.own.contains(path));
                let is_small = entry.metadata()?.len() <= MAX_FILE_BYTES;
                if is_own || (is_small && *left > 0) {
                    *left = left.saturating_sub(usize::from(!is_own));
                    fs::copy(&from, &to)?;
                } else {
                    symlink(&from, &to)?;
                }
            }
        }
        Ok(())
    }

    /// Where a link leads, seen from its replica: a path out of the folder becomes an absolute one.
    fn target(&self, link: &Path, inside: &Path) -> io::Result<PathBuf> {
        let target = fs::read_link(link)?;
        let mut depth = inside.components().count();
        for part in target.components() {
            match part {
                Component::Normal(_) => depth += 1,
                Component::CurDir => {}
                Component::ParentDir if depth > 0 => depth -= 1,
                _ => return Ok(self.from.join(inside).join(target)),
            }
        }
        Ok(target)
    }
}

/// Whether the folder has at most `limit` entries, with all below it.
fn fits(folder: &Path, limit: usize) -> io::Result<bool> {
    let mut left = limit;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Some(fewer) = left.checked_sub(1) else {
                return Ok(false);
            };
            left = fewer;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str) {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), path).unwrap();
    }

    fn scene() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("far/to"));
        write(&from, "src/lib.rs");
        (root, from, to)
    }

    #[test]
    fn only_folders_at_the_top_are_left_out() {
        let (_root, from, to) = scene();
        let (kept, left) = (
            ["src/target/mod.rs", "tests/.git/x", ".pick-notes/x"],
            ["target/debug/x", ".git/x", ".pick-abc123/x"],
        );
        for path in kept.into_iter().chain(left) {
            write(&from, path);
        }
        replicate(&from, &to, &BTreeSet::from(["src/lib.rs"])).unwrap();
        for path in kept {
            assert_eq!(fs::read_to_string(to.join(path)).unwrap(), path);
        }
        for path in left {
            assert!(!to.join(path).exists(), "{path}");
        }
    }

    #[test]
    fn links_lead_to_the_same_files() {
        let (root, from, to) = scene();
        write(root.path(), "outside");
        for (link, target) in [
            ("inside", "src/lib.rs"),
            ("src/out", "../../outside"),
            ("src/round", "../src/../src/lib.rs"),
            ("nowhere", "none"),
        ] {
            symlink(target, from.join(link)).unwrap();
        }
        symlink(root.path().join("outside"), from.join("absolute")).unwrap();
        replicate(&from, &to, &BTreeSet::new()).unwrap();
        let text = |path: &str| fs::read_to_string(to.join(path)).unwrap();
        assert_eq!(text("src/out"), "outside");
        assert_eq!(text("absolute"), "outside");
        fs::write(to.join("src/lib.rs"), "replaced").unwrap();
        assert_eq!(text("inside"), "replaced");
        assert_eq!(text("src/round"), "replaced");
        assert!(to.join("nowhere").is_symlink());
    }

    #[test]
    fn too_many_files_are_linked_and_not_those_of_the_crate() {
        let (_root, from, to) = scene();
        for number in 0..10 {
            write(&from, &format!("data/deep/{number}"));
            write(&from, &format!("src/{number}"));
        }
        let own = BTreeSet::from(["src/lib.rs", "src/3"]);
        let replica = Replica {
            from: &from,
            to: &to,
            own: &own,
            crates: [Path::new("src"), Path::new("")].into(),
        };
        replica.copy(Path::new(""), &mut 4).unwrap();
        assert!(to.join("data").is_symlink());
        assert_eq!(
            fs::read_to_string(to.join("data/deep/7")).unwrap(),
            "data/deep/7"
        );
        let links = fs::read_dir(to.join("src"))
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_symlink());
        assert_eq!(
            links.count(),
            5,
            "10 of the user, and 9 without the crate's"
        );
        assert!(!to.join("src/3").is_symlink());
        assert!(!to.join("src/lib.rs").is_symlink());
    }
}
