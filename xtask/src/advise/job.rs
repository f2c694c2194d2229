//! The JOB that advice is wanted for: a folder, a workload file, or a recorded trace.

use std::fs;
use std::path::{Path, PathBuf};

use workload::definition::Definition;

use crate::cli::{self, Command, CompareArgs, Parsed};
use crate::compare::{TRACE, load};
use crate::error::Error;
use crate::results::Results;

/// A job, as a comparison takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Job {
    /// The folder of a crate.
    Folder(PathBuf),
    /// A workload file, or a trace.
    File(PathBuf),
}

impl Job {
    /// The job at this path.
    ///
    /// # Errors
    ///
    /// A usage error for a path that is none of the three.
    pub(super) fn find(path: &Path) -> Result<Job, Error> {
        let shown = path.display();
        let remedy = "give the folder of a job (`cargo xtask new job DIR`), a workload file (.toml), \
                      or a recorded trace (.jsonl)";
        let metadata = fs::metadata(path)
            .map_err(|error| Error::Usage(format!("{shown}: {error}; {remedy}")))?;
        if metadata.is_dir() {
            return Ok(Job::Folder(path.to_owned()));
        }
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("toml" | TRACE) => Ok(Job::File(path.to_owned())),
            _ => Err(Error::Usage(format!(
                "{shown}: it is neither a folder nor a .toml or .jsonl file; {remedy}"
            ))),
        }
    }

    /// A comparison of this job with nothing else said.
    pub(super) fn comparison(&self) -> Result<CompareArgs, Error> {
        let line = ["xtask", "compare"].map(Into::into);
        let Parsed::Command(Command::Compare(args)) = cli::parse(line)? else {
            return Err(Error::Failed("`compare` is no command".to_owned()));
        };
        let mut args = *args;
        match self {
            Job::Folder(folder) => args.job = Some(folder.clone()),
            Job::File(file) => args.workload_files = vec![file.clone()],
        }
        Ok(args)
    }

    /// Its definition with the number of tasks that was measured; `None` for a folder, whose tasks
    /// only its own program knows.
    pub(super) fn definition(&self, measured: &Results) -> Option<Definition> {
        let Job::File(file) = self else {
            return None;
        };
        let table = measured.workloads.first()?;
        let definition = load(file).ok()?;
        Some(Definition {
            tasks: table.tasks,
            seed: table.seed,
            ..definition
        })
    }

    /// Whether its times can be scaled.
    pub(super) fn is_file(&self) -> bool {
        matches!(self, Job::File(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_is_told_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["w.toml", "t.jsonl", "notes.txt"] {
            fs::write(at(name), "x").unwrap();
        }
        let find = |name: &str| Job::find(&at(name));
        assert_eq!(find("w.toml"), Ok(Job::File(at("w.toml"))));
        assert_eq!(find("t.jsonl"), Ok(Job::File(at("t.jsonl"))));
        assert_eq!(find("."), Ok(Job::Folder(at("."))));
        for (name, words) in [("notes.txt", "neither a folder"), ("missing", "missing: ")] {
            let error = find(name).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            let line = error.to_string();
            assert!(
                line.contains(words) && line.contains("cargo xtask new job"),
                "{line}"
            );
        }
    }
}
