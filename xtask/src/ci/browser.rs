//! The page of a report in a headless browser: the programs that it needs, then its tests.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::gate::Gate;
use super::log::Log;
use super::steps::{Id, Lane, Steps};
use super::toolchain::answers;
use crate::error::Error;
use crate::packages::BROWSER;

/// The programs, with the packages that Debian has them in.
const PROGRAMS: [(&str, &str); 4] = [
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("node", "nodejs"),
    ("npm", "npm"),
];

/// The files that say which validator is installed, in `xtask/browser/html-validate`.
const VALIDATOR: [&str; 2] = ["package.json", "package-lock.json"];

/// How often npm is run before its failure counts.
const ATTEMPTS: u32 = 3;

/// Whether the page is tested, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// The page is not in scope.
    OutOfScope,
    /// This machine cannot, for this reason.
    LeftOut(String),
    /// It can, once these packages of Debian are installed.
    Run(Vec<&'static str>),
}

impl Plan {
    /// The plan for this machine.
    pub(super) fn of(in_scope: bool) -> Plan {
        if !in_scope {
            return Plan::OutOfScope;
        }
        let missing = PROGRAMS.iter().filter(|(program, _)| !is_there(program));
        let may_install = rustix::process::geteuid().is_root() && is_there("apt-get");
        Plan::with(missing.copied().collect(), may_install, is_must())
    }

    /// With `must` nothing is left out: the installation fails instead, which is no silence.
    fn with(missing: Vec<(&'static str, &'static str)>, may_install: bool, must: bool) -> Plan {
        let packages = missing.iter().map(|(_, package)| *package).collect();
        if missing.is_empty() || may_install || must {
            return Plan::Run(packages);
        }
        let programs: Vec<&str> = missing.iter().map(|(program, _)| *program).collect();
        Plan::LeftOut(format!(
            "the page in a browser: there is no {}, and only root can install it with apt-get",
            programs.join(", no ")
        ))
    }
}

/// Whether nothing may be left out.
fn is_must() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

fn is_there(program: &str) -> bool {
    answers(Command::new(program).arg("--version")) == Ok(true)
}

/// Adds the installation. It needs no build, so it comes first in its lane.
pub(super) fn install<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>) -> Vec<Id> {
    let Plan::Run(packages) = &gate.browser else {
        return Vec::new();
    };
    let title = "a browser and a validator for the page";
    let id = steps.add(Lane::Run, title, &[], move |log| {
        let needed = ["chromium", "chromedriver"];
        let installed = debian(log, packages);
        let may_go_on = !is_must() && needed.iter().all(|program| is_there(program));
        left_out_or(log, installed, may_go_on)?;
        let validator = validator(
            log,
            &gate.packages.root.join("xtask/browser/html-validate"),
            &gate.packages.target.join("html-validate"),
            Command::new("npm"),
        );
        left_out_or(log, validator, !is_must())
    });
    vec![id]
}

/// Adds the tests of the page.
pub(super) fn test<'a>(
    gate: &'a Gate<'a>,
    steps: &mut Steps<'a>,
    installed: &[Id],
    built: &[Id],
) -> Vec<Id> {
    if installed.is_empty() {
        return Vec::new();
    }
    let after = [installed, built].concat();
    let id = steps.add(Lane::Run, "the page in a browser", &after, move |log| {
        for program in gate.programs_of(BROWSER) {
            log.some_tests(&mut program.command())?;
        }
        let shown = gate.packages.target.join("browser/pictures");
        log.say(&format!("pictures of all pages: {}", shown.display()));
        Ok(())
    });
    vec![id]
}

/// With `may_go_on` a failure is a line of the log: the tests say what they leave out, and an
/// archive that cannot be reached is no fault of the code.
fn left_out_or(log: &mut Log, done: Result<(), Error>, may_go_on: bool) -> Result<(), Error> {
    match done {
        Err(error) if may_go_on && !matches!(error, Error::Interrupted) => {
            log.say(&format!("gone on without: {error}"));
            Ok(())
        }
        done => done,
    }
}

fn debian(log: &mut Log, packages: &[&str]) -> Result<(), Error> {
    if packages.is_empty() {
        return Ok(());
    }
    // A fresh image has no package lists. Any other may have those that are needed, also where the
    // archive cannot be reached.
    let updated = log.run(apt().args(["update", "-qq"]));
    left_out_or(log, updated, true)?;
    let mut install = apt();
    install
        .args(["install", "-qq", "-y", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    log.run(&mut install)
}

/// Waits a minute for another installation, such as the one that a fresh machine begins with.
fn apt() -> Command {
    let mut apt = Command::new("apt-get");
    apt.args(["-o", "DPkg::Lock::Timeout=60"]);
    apt
}

/// Installs the validator into a folder below the target folder, unless it is there.
fn validator(log: &mut Log, from: &Path, folder: &Path, mut npm: Command) -> Result<(), Error> {
    let failed = |path: &Path, error: &std::io::Error| Error::io(path.display(), error);
    let mut changed = !folder.join("node_modules/html-validate").is_dir();
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    for name in VALIDATOR {
        let path: PathBuf = from.join(name);
        let text = fs::read(&path).map_err(|error| failed(&path, &error))?;
        let copy = folder.join(name);
        if fs::read(&copy).is_ok_and(|there| there == text) {
            continue;
        }
        changed = true;
        // A half-written installation is not taken for a whole one.
        let _ = fs::remove_dir_all(folder.join("node_modules"));
        fs::write(&copy, text).map_err(|error| failed(&copy, &error))?;
    }
    if !changed {
        return Ok(());
    }
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(folder);
    let installed = within_attempts(log, &mut npm);
    if installed.is_err() {
        let _ = fs::remove_dir_all(folder.join("node_modules"));
    }
    installed
}

/// Runs a command that needs the network until it succeeds, or has failed often enough.
fn within_attempts(log: &mut Log, command: &mut Command) -> Result<(), Error> {
    for attempt in 1..ATTEMPTS {
        match log.run(command) {
            Err(Error::Failed(why)) => log.say(&format!("attempt {attempt} of {ATTEMPTS}: {why}")),
            done => return done,
        }
    }
    log.run(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSING: (&str, &str) = ("chromedriver", "chromium-driver");

    #[test]
    fn missing_programs_are_installed_where_that_is_allowed() {
        assert_eq!(Plan::with(Vec::new(), false, false), Plan::Run(Vec::new()));
        let install = Plan::Run(vec!["chromium-driver"]);
        assert_eq!(Plan::with(vec![MISSING], true, false), install);
        let Plan::LeftOut(reason) = Plan::with(vec![MISSING], false, false) else {
            panic!("not left out");
        };
        assert!(reason.contains("there is no chromedriver"), "{reason}");
    }

    #[test]
    fn nothing_is_left_out_where_ci_is_true() {
        let install = Plan::Run(vec!["chromium-driver"]);
        assert_eq!(Plan::with(vec![MISSING], false, true), install);
    }

    #[test]
    fn a_validator_is_installed_only_where_it_is_missing() {
        let place = tempfile::tempdir().unwrap();
        let (from, folder) = (place.path().join("from"), place.path().join("folder"));
        for name in VALIDATOR {
            for place in [&from, &folder] {
                fs::create_dir_all(place).unwrap();
                fs::write(place.join(name), "{}").unwrap();
            }
        }
        fs::create_dir_all(folder.join("node_modules/html-validate")).unwrap();
        let mut log = Log::default();
        let never = || Command::new("no-such-program");
        assert_eq!(validator(&mut log, &from, &folder, never()), Ok(()));
        assert!(log.text.is_empty());
        let npm = place.path().join("npm");
        fs::write(
            &npm,
            "echo >> runs; mkdir -p node_modules/html-validate; exit 1",
        )
        .unwrap();
        fs::write(from.join(VALIDATOR[0]), "{ }").unwrap();
        let mut failing = Command::new("sh");
        failing.arg(&npm);
        let failed = validator(&mut log, &from, &folder, failing);
        assert!(matches!(failed, Err(Error::Failed(_))), "{failed:?}");
        let runs = fs::read_to_string(folder.join("runs")).unwrap();
        assert_eq!(runs.lines().count(), 3);
        assert!(
            !folder.join("node_modules").exists(),
            "half an installation"
        );
        assert_eq!(left_out_or(&mut log, failed.clone(), true), Ok(()));
        assert_eq!(left_out_or(&mut log, failed.clone(), false), failed);
        let interrupted = Err(Error::Interrupted);
        assert_eq!(
            left_out_or(&mut log, interrupted.clone(), true),
            interrupted
        );
    }
}
