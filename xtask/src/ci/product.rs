//! The comparison itself: the runners, each built alone, and a short run with all of them.

use std::path::Path;

use super::gate::Gate;
use super::log::Log;
use super::steps::{Id, Lane, Steps};
use crate::cargo;
use crate::cli::report::ReportArgs;
use crate::compare::job;
use crate::error::Error;
use crate::new;
use crate::packages::Crate;
use crate::report;
use crate::rustflags;

/// The package of the baseline.
const BASELINE: &str = "workload-compare";

/// Adds the build of the runners, one by one, so that none gets features that only another one asks
/// for.
pub(super) fn build<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>) -> Vec<Id> {
    let compared = gate.compared();
    if compared.is_empty() {
        return Vec::new();
    }
    // Every comparison includes the baseline, and the helper programs come from the same package.
    let mut runners: Vec<String> = compared.iter().filter_map(|one| one.runner()).collect();
    if !runners.iter().any(|runner| runner == BASELINE) {
        runners.push(BASELINE.to_string());
    }
    let title = "build of the runners, each by itself";
    let id = steps.add(Lane::Build, title, &[], move |log| {
        // As the comparison builds them, so that it finds them built.
        let flags = rustflags::of_runners(&gate.packages.root);
        for runner in &runners {
            let mut build = cargo::building_runner(runner, flags.as_deref());
            log.run(build.current_dir(&gate.packages.root))?;
        }
        Ok(())
    });
    vec![id]
}

/// Adds the build of a job, which links all models into one program: the tests of xtask build one
/// like it, and then find all but its own crate built.
pub(super) fn job<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>, runners: &[Id]) -> Vec<Id> {
    if !gate.has("xtask") && !gate.has(job::PACKAGE) {
        return Vec::new();
    }
    let title = "build of a job with all models";
    let id = steps.add(Lane::Build, title, runners, move |log| {
        let folder = gate.scratch.join("job-of-ci");
        log.say(&new::job(gate.packages, &folder)?);
        let flags = rustflags::of_runners(&gate.packages.root);
        let manifest = folder.join("Cargo.toml");
        let mut build = job::building(&manifest, &gate.packages.target, flags.as_deref());
        log.run(build.current_dir(&gate.packages.root))
    });
    vec![id]
}

/// Adds a comparison of these runners, and its report.
pub(super) fn compare<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>, runners: &[Id]) -> Vec<Id> {
    let mut compared = gate.compared();
    let has_compare = |one: &&Crate| one.has_compare;
    let whole = compared.len() == gate.packages.crates.iter().filter(has_compare).count();
    // One that is named and cannot take part is an error.
    compared.retain(|one| one.declared.lack().is_none());
    if compared.is_empty() {
        return Vec::new();
    }
    let output = gate.scratch.join("compare");
    let results = output.join("results.json");
    let smoke = steps.add(Lane::Run, "a comparison, cut short", runners, move |log| {
        let named: &[&Crate] = if whole { &[] } else { &compared };
        smoke(gate, log, named, &output)
    });
    let report = steps.add(Lane::Run, "its report", &[smoke], move |log| {
        let text = report::report(&ReportArgs {
            results,
            details: true,
            ..ReportArgs::default()
        })
        .map_err(Error::Failed)?;
        let lines = text.lines().count();
        log.say(&format!("{lines} lines"));
        match lines {
            0 => Err(Error::Failed("the report is empty".to_string())),
            _ => Ok(()),
        }
    });
    vec![smoke, report]
}

/// Runs the comparison as a separate program, as a user would: it takes a lock, handles Ctrl-C and
/// adopts the processes of its runners.
///
/// With no models named, all that can take part do.
fn smoke(gate: &Gate<'_>, log: &mut Log, named: &[&Crate], output: &Path) -> Result<(), Error> {
    // A separate folder for temporary files, and so a separate lock: the figures are discarded, so
    // this run need not wait for another comparison.
    let temporary = gate.scratch.join("tmp");
    std::fs::create_dir_all(&temporary)
        .map_err(|error| Error::io(format_args!("cannot make {}", temporary.display()), &error))?;
    let mut command = cargo::cleaned(gate.xtask);
    command
        .args(["compare", "--smoke", "--output"])
        .arg(output)
        .env("TMPDIR", &temporary)
        .current_dir(&gate.packages.root);
    for found in named {
        command.args(["--model", model(&found.name)]);
    }
    log.run(&mut command)
}

/// The name of a crate's model: that of the crate, except for the baseline.
fn model(name: &str) -> &str {
    match name {
        "workload" => "sequential",
        name => name,
    }
}
