//! Checks beyond ordinary tests: interleavings, memory errors, long runs, code that must not
//! compile.

use std::path::PathBuf;
use std::process::Command;
use std::thread;

use super::in_workspace;
use super::log::Log;
use super::test_programs::Program;
use super::toolchain::{flags, host, no_sanitizer, strict_rustdoc};
use crate::error::Error;
use crate::packages::{Crate, Packages};

/// Whether to build something, or to run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Build,
    Run,
}

/// Uses a `cfg` of its own: `--cfg loom` would change dependencies too, and some of them then fail
/// to compile.
pub(super) fn model_checks(
    packages: &Packages,
    log: &mut Log,
    crates: &[&Crate],
    part: Part,
) -> Result<(), Error> {
    let mut command = in_workspace(packages);
    command
        .args(["test", "--release", "--test", "model_check"])
        .args(names(crates))
        .env("RUSTFLAGS", flags("RUSTFLAGS", "--cfg model_check"))
        .env("CARGO_TARGET_DIR", folder(packages, "model-check"));
    build_or_run(log, &mut command, part)
}

pub(super) fn sanitized(
    packages: &Packages,
    log: &mut Log,
    crates: &[&Crate],
    part: Part,
) -> Result<(), Error> {
    let host = host()?;
    if let Some(reason) = no_sanitizer(&host) {
        log.say(&format!("left out: {reason}"));
        return Ok(());
    }
    let with_sanitizer = "-Zsanitizer=address --cfg address_sanitizer";
    let mut command = in_workspace(packages);
    command
        .args(["test", "--all-features", "--tests"])
        .args(names(crates))
        // Named, so that build scripts and macros are not instrumented.
        .args(["--target", &host])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", flags("RUSTFLAGS", with_sanitizer))
        // A payload whose destructor always panics is leaked on purpose. The soaks look for leaks.
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .env("CARGO_TARGET_DIR", folder(packages, "sanitizer"));
    build_or_run(log, &mut command, part)
}

/// Checks that the benches run, not how fast: the figures of one round mean nothing, so the benches
/// can be built together.
pub(super) fn benches(
    packages: &Packages,
    log: &mut Log,
    crates: &[&Crate],
    part: Part,
) -> Result<(), Error> {
    let mut command = in_workspace(packages);
    command.arg("bench");
    for rivals in crates.iter().filter_map(|found| found.rivals()) {
        command.args(["--package", &rivals]);
    }
    match part {
        Part::Build => log.run(command.arg("--no-run")),
        Part::Run => log.run(command.args(["--", "--rounds", "1"])),
    }
}

/// The strict rustdoc checks error codes: `compile_fail,E0277` has to fail with that error. The
/// packages must be those whose tests were built, since the set of packages decides the features of
/// shared dependencies.
pub(super) fn doc_tests(
    packages: &Packages,
    log: &mut Log,
    tested: &[String],
) -> Result<(), Error> {
    let mut command = in_workspace(packages);
    command.args(["test", "--doc", "--all-features", "--no-fail-fast"]);
    for name in tested {
        command.args(["--package", name]);
    }
    if cfg!(unix) {
        command.env("RUSTDOC", strict_rustdoc(packages)?);
    }
    log.tests(&mut command).map(|_| ())
}

/// Runs soaks side by side: they disturb each other, and take less time.
pub(super) fn soak_beside(log: &mut Log, soaks: &[&[Program]], seconds: &str) -> Result<(), Error> {
    let logs: Vec<(Log, Result<(), Error>)> = thread::scope(|scope| {
        let running: Vec<_> = soaks
            .iter()
            .map(|programs| scope.spawn(|| soak(programs, seconds)))
            .collect();
        running
            .into_iter()
            .map(|one| {
                one.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut results = Vec::new();
    for (one, result) in logs {
        log.append(one);
        results.push(result);
    }
    results.into_iter().collect()
}

fn soak(programs: &[Program], seconds: &str) -> (Log, Result<(), Error>) {
    let mut log = Log::default();
    for program in programs.iter().filter(|program| program.is_soak()) {
        let mut command = program.command();
        command.args(["--nocapture", "--test-threads=1"]);
        let result = log.some_tests(soaking(&mut command, seconds));
        if result.is_err() {
            return (log, result);
        }
    }
    (log, Ok(()))
}

/// Runs a soak at full length, built for release.
pub(super) fn long_soak(
    packages: &Packages,
    log: &mut Log,
    found: &Crate,
    seconds: &str,
) -> Result<(), Error> {
    let mut command = in_workspace(packages);
    command
        .args(["test", "--release", "--package", &found.package])
        .args(found.has_features().then_some("--all-features"))
        .args(["--test", "soak", "--", "--nocapture", "--test-threads=1"]);
    log.some_tests(soaking(&mut command, seconds))
}

fn soaking<'c>(command: &'c mut Command, seconds: &str) -> &'c mut Command {
    command
        .env("SOAK_SECONDS", seconds)
        // The soak panics on purpose, very often.
        .env("RUST_BACKTRACE", "0")
}

fn build_or_run(log: &mut Log, command: &mut Command, part: Part) -> Result<(), Error> {
    match part {
        Part::Build => log.run(command.arg("--no-run")),
        Part::Run => log.some_tests(command.arg("--no-fail-fast")),
    }
}

fn names<'c>(crates: &'c [&'c Crate]) -> impl Iterator<Item = &'c str> {
    crates
        .iter()
        .flat_map(|found| ["--package", found.package.as_str()])
}

/// A separate target folder for builds with other flags or another compiler.
pub(super) fn folder(packages: &Packages, name: &str) -> PathBuf {
    packages.target.join(name)
}
