//! `cargo xtask new workload NAME`: a definition to start from, which runs as it is. The other
//! things to start from are in a file each.

mod job;
mod model;

pub use job::job;
pub use model::model;

use std::io;
use std::path::Path;

use workload::definition::parse;

use crate::error::Error;
use crate::files;

/// A workload with every key explained; `NAME` stands for its name.
const TEMPLATE: &str = include_str!("new/workload.toml");

/// Writes `NAME.toml` into `folder` and returns what to tell the user.
///
/// # Errors
/// [`Error::Usage`] for a name that a workload cannot have, a file that is there already, and a
/// folder that cannot be written to.
pub fn workload(name: &str, folder: &Path) -> Result<String, Error> {
    let text = TEMPLATE.replace("NAME", name);
    // The name is what can be wrong here: the rest is tested.
    let definition = parse(&text, name).map_err(|_| {
        Error::Usage(format!(
            "`{name}` cannot be a workload's name: use up to 64 of a-z, 0-9 and -"
        ))
    })?;
    if workload::definition::builtin(&definition.name).is_some() {
        return Err(Error::Usage(format!(
            "the project has a workload `{name}` of its own: choose another name"
        )));
    }
    let path = folder.join(format!("{name}.toml"));
    files::create(&path, text.as_bytes()).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            Error::Usage(format!(
                "{} is there already: move it away, or choose another name",
                path.display()
            ))
        } else {
            Error::Usage(format!("cannot write {}: {error}", path.display()))
        }
    })?;
    Ok(told(&path))
}

fn told(path: &Path) -> String {
    let path = path.display();
    format!(
        "wrote {path}: say in it what your job does, then run\n\n    cargo xtask compare --workload-file {path}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_parses_and_a_second_one_does_not_replace_it() {
        let folder = tempfile::tempdir().unwrap();
        let told = workload("my-service", folder.path()).unwrap();
        let path = folder.path().join("my-service.toml");
        assert!(told.contains(&format!("--workload-file {}", path.display())));
        let text = std::fs::read_to_string(&path).unwrap();
        let definition = parse(&text, "my-service.toml").unwrap();
        assert_eq!(definition.name, "my-service");

        std::fs::write(&path, "mine").unwrap();
        let error = workload("my-service", folder.path()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("is there already"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn impossible_names_are_refused_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "My", "a b", "../up", "a\"", "gcd"] {
            let error = workload(name, folder.path()).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{name}");
            assert!(error.to_string().contains("name"), "{error}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let error = workload("mine", &folder.path().join("none")).unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
    }

    #[test]
    fn every_block_that_is_left_out_can_be_taken_in() {
        let mut taken = TEMPLATE.replace("NAME", "mine");
        let mut blocks = 0;
        for block in TEMPLATE
            .split("\n\n")
            .map(left_out)
            .filter(|block| !block.is_empty())
        {
            blocks += 1;
            let marked: String = block.lines().map(|line| format!("#: {line}\n")).collect();
            taken = taken.replace(&marked, &block);
            if let Err(error) = parse(&taken, "mine") {
                panic!("{error}, with\n{block}");
            }
        }
        assert_eq!(blocks, 5);
        assert!(!taken.contains("#: ["));
    }

    /// The lines of a block that are left out, as they would be if they were not.
    fn left_out(block: &str) -> String {
        let lines = block.lines().filter_map(|line| line.strip_prefix("#: "));
        lines.map(|line| format!("{line}\n")).collect()
    }
}
