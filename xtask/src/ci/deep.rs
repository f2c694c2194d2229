//! The steps that take too long for every commit. `ci --deep` runs all of them, and `ci` one.

use super::book;
use super::checks::{folder, long_soak};
use super::finds::{fuzz_packages, fuzz_targets, has_soak};
use super::fuzz::fuzz;
use super::gate::Gate;
use super::in_workspace;
use super::log::Log;
use super::minimum::minimum;
use super::new_model;
use super::picks;
use super::publish;
use super::toolchain::{flags, host, no_fuzzing, no_miri, seconds};
use crate::error::Error;
use crate::packages::Crate;

/// How long a soak runs unless the environment says otherwise.
const SOAK_SECONDS: &str = "60";

/// One deep step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deep {
    /// The tests of a crate with default features, built alone, then those of its runner.
    Alone(String),
    /// The soak of a crate at full length, built for release.
    Soak(String),
    /// A picked crate, with its tests.
    Pick(String),
    /// A fuzz target of the package in this folder.
    Fuzz(std::path::PathBuf, String),
    /// The tests of a crate that Miri can run.
    Miri(String),
    /// The real jobs of the regret bench, with their lints and tests.
    Regret,
    /// The pages of the book.
    Book,
    /// Everything, checked by a compiler of the minimum Rust version.
    MinimumVersion,
    /// A crate with the lowest versions of its dependencies.
    MinimalVersions(String),
    /// The interface of a crate, against the committed one.
    PublicApi(String),
    /// Everything that publishing all crates does, but the upload.
    Publish,
    /// A new model, in a copy of the checkout.
    NewModel,
}

impl Deep {
    pub(super) fn title(&self, gate: &Gate<'_>) -> String {
        match self {
            Self::Alone(name) => format!("`{name}` by itself, with default features"),
            Self::Soak(name) => format!("soak of `{name}` at full length"),
            Self::Pick(name) => format!("`{name}` picked, with its tests"),
            Self::Fuzz(folder, target) => {
                let folder = folder.strip_prefix(&gate.packages.root).unwrap_or(folder);
                format!("fuzzing `{target}` of {}", folder.display())
            }
            Self::Miri(name) => format!("Miri over `{name}`"),
            Self::Regret => "the jobs of the regret bench".to_string(),
            Self::Book => "the book, by mdbook".to_string(),
            Self::MinimumVersion => "everything, compiled by the minimum Rust version".to_string(),
            Self::MinimalVersions(name) => {
                format!("`{name}` with the lowest versions that it admits")
            }
            Self::PublicApi(name) => format!("the interface of `{name}`"),
            Self::Publish => "publishing, without the upload".to_string(),
            Self::NewModel => "a new model, in a copy of the checkout".to_string(),
        }
    }

    pub(super) fn run(&self, gate: &Gate<'_>, log: &mut Log) -> Result<(), Error> {
        let packages = gate.packages;
        match self {
            Self::Alone(name) => picks::alone(packages, log, packages.find(name)?),
            Self::Soak(name) => {
                let seconds = seconds("SOAK_SECONDS", SOAK_SECONDS);
                long_soak(packages, log, packages.find(name)?, &seconds)
            }
            Self::Pick(name) => {
                let found = packages.find(name)?;
                picks::tested(packages, log, gate.xtask, found, gate.scratch)
            }
            Self::Fuzz(folder, target) => fuzz(packages, log, folder, target, gate.scratch),
            Self::Miri(name) => miri(gate, log, name),
            Self::Regret => regret(gate, log),
            Self::Book => book::build(&packages.root, &packages.target, log),
            Self::MinimumVersion => minimum_version(gate, log),
            Self::MinimalVersions(name) => {
                publish::minimal_versions(packages, log, packages.find(name)?, gate.scratch)
            }
            Self::PublicApi(name) => publish::public_api(packages, log, packages.find(name)?),
            Self::Publish => publish::dry_run(packages, log),
            Self::NewModel => new_model::check(packages, log, gate.xtask, gate.scratch),
        }
    }
}

/// All steps that this machine can run, and a line for each kind that it cannot.
pub(super) fn steps(gate: &Gate<'_>) -> Result<(Vec<Deep>, Vec<String>), Error> {
    let crates: Vec<&Crate> = gate.crates(|_| true);
    let named = |make: fn(String) -> Deep, crates: &[&Crate]| -> Vec<Deep> {
        crates
            .iter()
            .map(|found| make(found.name.clone()))
            .collect()
    };
    let mut steps = named(Deep::Alone, &crates);
    steps.extend(named(Deep::Soak, &gate.crates(has_soak)));
    steps.extend(named(Deep::Pick, &crates));
    let mut left_out = Vec::new();
    match no_fuzzing(&host()?) {
        None => steps.extend(fuzz_steps(gate)?),
        Some(reason) => left_out.push(format!("fuzzing: {reason}")),
    }
    match no_miri() {
        None => {
            let crates = gate.crates(|found| miri_arguments(&found.name).is_some());
            steps.extend(named(Deep::Miri, &crates));
        }
        Some(reason) => left_out.push(format!("Miri: {reason}")),
    }
    if gate.has("effective-workload") {
        steps.push(Deep::Regret);
    }
    match book::no_mdbook() {
        None => steps.push(Deep::Book),
        Some(reason) => left_out.push(format!("the book: {reason}")),
    }
    steps.extend(named(Deep::MinimalVersions, &crates));
    if !crates.is_empty() {
        steps.push(Deep::Publish);
    }
    if gate.has("xtask") {
        steps.push(Deep::NewModel);
    }
    match publish::no_public_api() {
        None => {
            for found in &crates {
                match publish::no_snapshot(gate.packages, found) {
                    None => steps.push(Deep::PublicApi(found.name.clone())),
                    Some(reason) => left_out.push(reason),
                }
            }
        }
        Some(reason) => left_out.push(format!("interfaces: {reason}")),
    }
    match minimum(gate.packages) {
        Ok(_) => steps.push(Deep::MinimumVersion),
        Err(reason) => left_out.push(format!("the minimum Rust version: {reason}")),
    }
    Ok((steps, left_out))
}

/// The package is a workspace of its own, so none of the other steps reaches it.
fn regret(gate: &Gate<'_>, log: &mut Log) -> Result<(), Error> {
    let manifest = gate.packages.root.join("crates/workload/regret/Cargo.toml");
    let cargo = |action: &str, rest: &[&str]| {
        let mut command = in_workspace(gate.packages);
        command.arg(action).arg("--manifest-path").arg(&manifest);
        command.arg("--target-dir").arg(&gate.packages.target);
        command.args(["--workspace", "--locked"]).args(rest);
        command
    };
    log.run(&mut cargo(
        "clippy",
        &["--all-targets", "--", "-D", "warnings"],
    ))?;
    log.some_tests(&mut cargo("test", &[]))
}

fn fuzz_steps(gate: &Gate<'_>) -> Result<Vec<Deep>, Error> {
    let mut steps = Vec::new();
    for folder in fuzz_packages(&gate.packages.root) {
        // A fuzz package belongs to the package in whose folder it is.
        let home = folder
            .parent()
            .and_then(|home| home.strip_prefix(&gate.packages.root).ok());
        let mut members = gate.packages.members.iter();
        let owner = members.find(|member| Some(member.folder.as_path()) == home);
        if owner.is_some_and(|member| !gate.has(&member.name)) {
            continue;
        }
        let manifest = folder.join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest)
            .map_err(|error| Error::io(manifest.display(), &error))?;
        let targets = fuzz_targets(&text);
        if targets.is_empty() {
            return Err(Error::Failed(format!(
                "{} names no [[bin]]: a package of fuzz targets has one for each",
                manifest.display()
            )));
        }
        let targets = targets.into_iter();
        steps.extend(targets.map(|target| Deep::Fuzz(folder.clone(), target)));
    }
    Ok(steps)
}

/// Chooses the step for this commit. Over many commits each step has its turn.
pub(super) fn choose<'d>(steps: &'d [Deep], commit: &str) -> Option<&'d Deep> {
    // Fifteen digits fit in 64 bits and differ between any two commits of a repository.
    let digits = commit.get(..15)?;
    let number = u64::from_str_radix(digits, 16).ok()?;
    let count = u64::try_from(steps.len()).ok()?;
    steps.get(usize::try_from(number.checked_rem(count)?).ok()?)
}

/// The tests of a crate that Miri runs, and the rules that its dependencies keep. `None` if a crate
/// has no unsafe code, or depends on what Miri lacks, such as processes and signals.
fn miri_arguments(name: &str) -> Option<(&'static [&'static str], &'static str)> {
    match name {
        "coroutines" => Some((
            &[
                "--lib", "--test", "group", "--test", "map", "--test", "wakes",
            ],
            "-Zmiri-disable-isolation -Zmiri-many-seeds=0..4",
        )),
        // crossbeam-epoch violates stacked borrows, and leaves garbage to its last thread.
        "thread-pool" => Some((
            &["--test", "miri"],
            "-Zmiri-disable-isolation -Zmiri-tree-borrows -Zmiri-permissive-provenance -Zmiri-ignore-leaks",
        )),
        _ => None,
    }
}

fn miri(gate: &Gate<'_>, log: &mut Log, name: &str) -> Result<(), Error> {
    let Some((targets, rules)) = miri_arguments(name) else {
        return Err(Error::Failed(format!("`{name}` has no tests for Miri")));
    };
    let mut command = in_workspace(gate.packages);
    command
        .args([
            "miri",
            "test",
            "--package",
            &gate.packages.find(name)?.package,
        ])
        .args(targets)
        .env("MIRIFLAGS", flags("MIRIFLAGS", rules))
        .env("CARGO_TARGET_DIR", folder(gate.packages, "miri"));
    log.some_tests(&mut command)
}

fn minimum_version(gate: &Gate<'_>, log: &mut Log) -> Result<(), Error> {
    let (version, mut cargo) = minimum(gate.packages).map_err(Error::Failed)?;
    log.say(&format!("with Rust {version}"));
    cargo
        .args(["check", "--workspace", "--all-targets", "--all-features"])
        .env("CARGO_TARGET_DIR", folder(gate.packages, "minimum"));
    log.run(&mut cargo)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> [Deep; 3] {
        ["a", "b", "c"].map(|name| Deep::Soak(name.to_string()))
    }

    #[test]
    fn one_commit_always_chooses_the_same_step() {
        let commit = "00000000000000400000000000000000000000ff";
        assert_eq!(choose(&three(), commit), Some(&Deep::Soak("b".to_string())));
        assert_eq!(choose(&three(), commit), choose(&three(), commit));
    }

    #[test]
    fn all_steps_have_their_turn() {
        let steps = three();
        let mut chosen = [0; 3];
        for number in 0..300_u64 {
            // 40 digits, of which the first vary.
            let commit = format!(
                "{:032x}00000000",
                u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64
            );
            let step = choose(&steps, &commit).unwrap();
            chosen[steps.iter().position(|one| one == step).unwrap()] += 1;
        }
        assert!(chosen.iter().all(|times| *times > 50), "{chosen:?}");
    }

    #[test]
    fn the_tests_for_miri_exist() {
        let packages = crate::packages::workspace().unwrap();
        let mut looked_at = 0;
        for found in &packages.crates {
            let Some((targets, _)) = miri_arguments(&found.name) else {
                continue;
            };
            let tests = found.manifest.parent().unwrap().join("tests");
            for name in targets.iter().filter(|name| !name.starts_with("--")) {
                let file = tests.join(format!("{name}.rs"));
                assert!(file.is_file(), "{}", file.display());
                looked_at += 1;
            }
        }
        assert!(looked_at >= 3);
    }

    #[test]
    fn no_step_is_chosen_without_steps_or_a_commit() {
        assert_eq!(choose(&[], "0123456789abcdef"), None);
        assert_eq!(choose(&three(), "HEAD"), None);
        assert_eq!(choose(&three(), "not hexadecimal digits"), None);
    }
}
