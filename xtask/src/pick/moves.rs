//! File moves that can be undone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The steps so far, which are undone from the last to the first.
#[derive(Default)]
pub(super) struct Moves {
    done: Vec<Done>,
}

enum Done {
    Folder(PathBuf),
    Moved { from: PathBuf, to: PathBuf },
    Replaced { old: PathBuf, at: PathBuf },
}

impl Moves {
    /// Makes the folder and those above it that are missing.
    pub(super) fn make_folder(&mut self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.make_folder(parent)?;
        }
        fs::create_dir(folder)?;
        self.done.push(Done::Folder(folder.to_path_buf()));
        Ok(())
    }

    /// Renames a file to a path where there is nothing. Files in the staging folder disappear with
    /// it.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        if let Some(folder) = to.parent() {
            self.make_folder(folder)?;
        }
        fs::rename(from, to)?;
        self.done.push(Done::Moved {
            from: from.to_path_buf(),
            to: to.to_path_buf(),
        });
        Ok(())
    }

    /// Renames a file over another, which gets the name `old` first. The path always has one of the
    /// two: a program that is killed here leaves no gap, which the next pick would take for a file
    /// that the user deleted.
    pub(super) fn replace(&mut self, from: &Path, at: &Path, old: &Path) -> io::Result<()> {
        if let Some(folder) = old.parent() {
            self.make_folder(folder)?;
        }
        // Some file systems have no hard links.
        if fs::hard_link(at, old).is_err() {
            fs::copy(at, old)?;
        }
        fs::rename(from, at)?;
        self.done.push(Done::Replaced {
            old: old.to_path_buf(),
            at: at.to_path_buf(),
        });
        Ok(())
    }

    /// Undoes all steps.
    pub(super) fn undo(&mut self) {
        while let Some(done) = self.done.pop() {
            // Nothing better is left to do when an undo fails too; the first error is the one to
            // tell.
            let _ = match done {
                Done::Folder(folder) => fs::remove_dir(folder),
                Done::Moved { from, to } => fs::rename(to, from),
                Done::Replaced { old, at } => fs::rename(old, at),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_there_at_every_moment_of_its_replacement() {
        let root = tempfile::tempdir().unwrap();
        let at = root.path().join("at");
        fs::write(&at, "0").unwrap();
        std::thread::scope(|scope| {
            let replacer = scope.spawn(|| {
                for number in 1..500 {
                    let (from, old) = (
                        root.path().join("new"),
                        root.path().join(format!("old/{number}")),
                    );
                    fs::write(&from, number.to_string()).unwrap();
                    let mut moves = Moves::default();
                    moves.replace(&from, &at, &old).unwrap();
                    assert_eq!(fs::read_to_string(&at).unwrap(), number.to_string());
                    if number % 2 == 0 {
                        moves.undo();
                        assert_eq!(fs::read_to_string(&at).unwrap(), (number - 1).to_string());
                    }
                }
            });
            while !replacer.is_finished() {
                assert!(at.symlink_metadata().is_ok(), "a moment without the file");
            }
            replacer.join().unwrap();
        });
    }
}
