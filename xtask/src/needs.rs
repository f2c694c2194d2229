//! [`Needs`]: the program that a runner needs besides itself.

use std::env;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Distributions put servers here, which is not on the path of ordinary users.
const SYSTEM: &str = "/usr/sbin";

/// A program that a runner needs, declared in its manifest under
/// `[package.metadata.comparison.needs]`. Without it the model is left out, and not built.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// The name of the program.
    pub program: String,
    /// The environment variable that names one elsewhere.
    pub variable: String,
    /// The commands that install it, in words.
    pub install: String,
}

impl Needs {
    /// The program: the one that the variable names, or the first of that name on PATH or among the
    /// system's servers.
    ///
    /// # Errors
    ///
    /// Why there is none, and what to do.
    pub fn find(&self) -> Result<PathBuf, String> {
        let named = env::var_os(&self.variable).filter(|named| !named.is_empty());
        self.find_in(named.as_deref().map(Path::new), Path::new(SYSTEM))
    }

    fn find_in(&self, named: Option<&Path>, system: &Path) -> Result<PathBuf, String> {
        let Needs {
            program,
            variable,
            install,
        } = self;
        if let Some(named) = named {
            return which::which(named).map_err(|_| {
                format!(
                    "{variable} names {}, which is no program; correct it, or unset it",
                    named.display()
                )
            });
        }
        which::which(program)
            .or_else(|_| which::which(system.join(program)))
            .map_err(|_| {
                format!(
                    "it needs `{program}`, which is not on PATH: {install} installs it, or name one in {variable}"
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(program: &str) -> Needs {
        Needs {
            program: program.to_owned(),
            variable: "SOME_SERVER".to_owned(),
            install: "`install it`".to_owned(),
        }
    }

    #[test]
    fn program_is_found_by_variable_path_or_system_folder() {
        let nowhere = Path::new("/nowhere");
        assert!(needs("sh").find_in(None, nowhere).is_ok());
        let named = needs("sh").find_in(Some(Path::new("/bin/cat")), nowhere);
        assert_eq!(named, Ok(PathBuf::from("/bin/cat")));
        let folder = tempfile::tempdir().unwrap();
        let server = folder.path().join("some-server-xyz");
        std::fs::copy("/bin/cat", &server).unwrap();
        let found = needs("some-server-xyz").find_in(None, folder.path());
        assert_eq!(found, Ok(server));
    }

    #[test]
    fn missing_program_is_reported_with_the_line_that_installs_it() {
        let nowhere = Path::new("/nowhere");
        let why = needs("some-server-xyz").find_in(None, nowhere).unwrap_err();
        for part in ["`some-server-xyz`", "`install it`", "SOME_SERVER"] {
            assert!(why.contains(part), "{why}");
        }
        let why = needs("sh").find_in(Some(Path::new("/no/server")), nowhere);
        assert!(why.unwrap_err().contains("SOME_SERVER names /no/server"));
    }
}
