//! The tests of `cluster` with a second version of its server, beside the one that all tests find.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::gate::Gate;
use super::steps::{Id, Lane, Steps};
use crate::error::Error;
use crate::needs::Needs;
use crate::packages::Crate;

/// The crate whose tests start servers, and the tests that do.
const CRATE: &str = "cluster";
const SUITE: &str = "tests/nats/main.rs";

/// The second server, below the target folder: where `.ci/run` has pip put it.
const FOLDER: &str = "nats-server";

/// The plan for the second server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// The crate is not in scope.
    OutOfScope,
    /// There is none, for this reason.
    LeftOut(String),
    Run(Second),
}

/// A server of a version that is not the first one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Second {
    package: String,
    /// The environment variable by which tests find it.
    variable: String,
    program: PathBuf,
    version: String,
}

impl Plan {
    /// The plan for this machine, where the target folder is `target`.
    pub(super) fn of(crates: &[Crate], in_scope: impl Fn(&str) -> bool, target: &Path) -> Plan {
        let found = crates.iter().find(|found| found.name == CRATE);
        let found = found.filter(|found| in_scope(&found.package));
        let Some((found, needs)) = found.and_then(|it| Some((it, it.declared.needs.as_ref()?)))
        else {
            return Plan::OutOfScope;
        };
        let first = needs.find().ok();
        match Second::find(&found.package, needs, first.as_deref(), target) {
            Ok(second) => Plan::Run(second),
            Err(reason) => Plan::LeftOut(format!("`{CRATE}` with a second server: {reason}")),
        }
    }
}

impl Second {
    /// Looks below the target folder; `first` is the server that all tests find, if there is one.
    fn find(
        package: &str,
        needs: &Needs,
        first: Option<&Path>,
        target: &Path,
    ) -> Result<Second, String> {
        let folder = target.join(FOLDER);
        let program = folder.join("bin").join(&needs.program);
        let Some(version) = version(&program) else {
            return Err(format!(
                "there is no {}; `pip install --target {} {}-bin` makes one",
                program.display(),
                folder.display(),
                needs.program
            ));
        };
        if first.and_then(self::version).as_ref() == Some(&version) {
            return Err(format!("both are {version}"));
        }
        Ok(Second {
            package: package.to_owned(),
            variable: needs.variable.clone(),
            program,
            version,
        })
    }
}

/// The first line that the program answers to `--version`.
fn version(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null());
    let output = command.output().ok().filter(|it| it.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Adds the tests with the second server.
pub(super) fn test<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>, built: &[Id]) -> Vec<Id> {
    let Plan::Run(second) = &gate.second_server else {
        return Vec::new();
    };
    let Second {
        package,
        variable,
        program,
        version,
    } = second;
    let title = format!("tests of `{package}` with {version}");
    let id = steps.add(Lane::Run, title, built, move |log| {
        let programs = gate.programs_of(package).iter();
        let suite = programs.filter(|one| one.is_of(SUITE)).collect::<Vec<_>>();
        if suite.is_empty() {
            return Err(Error::Failed(format!("`{package}` has no {SUITE}")));
        }
        for one in suite {
            log.some_tests(one.command().env(variable, program))?;
        }
        Ok(())
    });
    vec![id]
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn find(first: Option<&Path>, target: &Path) -> Result<Second, String> {
        let needs = Needs {
            program: "some-server".to_owned(),
            variable: "SOME_SERVER".to_owned(),
            install: String::new(),
        };
        Second::find("effective-a", &needs, first, target)
    }

    #[test]
    fn second_server_is_found_below_the_target_folder() {
        let target = tempfile::tempdir().unwrap();
        let reason = find(None, target.path()).unwrap_err();
        assert!(
            reason.contains("pip install --target") && reason.contains("some-server-bin"),
            "{reason}"
        );
        // A program that tells its version under any name.
        let program = target.path().join("nats-server/bin/some-server");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        symlink(env!("CARGO"), &program).unwrap();
        let second = find(None, target.path()).unwrap();
        assert_eq!(second.program, program);
        assert!(second.version.starts_with("cargo "), "{second:?}");
        let nothing = Path::new("/no/such/server");
        assert_eq!(find(Some(nothing), target.path()), Ok(second));
        let same = find(Some(Path::new(env!("CARGO"))), target.path());
        assert!(same.unwrap_err().starts_with("both are cargo "));
    }

    #[test]
    fn crate_that_is_not_in_scope_has_no_plan() {
        let packages = crate::packages::workspace().unwrap();
        let plan = |in_scope| Plan::of(&packages.crates, |_| in_scope, Path::new("/nowhere"));
        assert_eq!(plan(false), Plan::OutOfScope);
        assert!(matches!(plan(true), Plan::LeftOut(_)));
    }
}
