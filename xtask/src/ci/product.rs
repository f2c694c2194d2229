//! The comparison itself: the runners, each built alone, and a run of everything, cut short.

use std::path::Path;

use super::gate::Gate;
use super::in_workspace;
use super::log::Log;
use super::steps::{Id, Lane, Steps};
use crate::cargo;
use crate::error::Error;
use crate::packages::Crate;
use crate::report;

/// The package of the baseline.
const BASELINE: &str = "workload-compare";

/// Adds the build of the runners, one by one, so that no feature is on for which only another one asks.
pub(super) fn build<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>) -> Vec<Id> {
    let compared = gate.compared();
    if compared.is_empty() {
        return Vec::new();
    }
    // Every comparison has the baseline, and its helpers come from the same package.
    let mut runners: Vec<String> = compared.iter().filter_map(|one| one.runner()).collect();
    if !runners.iter().any(|runner| runner == BASELINE) {
        runners.push(BASELINE.to_string());
    }
    let title = "build of the runners, each by itself";
    let id = steps.add(Lane::Build, title, &[], move |log| {
        for runner in &runners {
            let args = ["build", "--release", "--package", runner];
            log.run(in_workspace(gate.packages).args(args))?;
        }
        Ok(())
    });
    vec![id]
}

/// Adds a comparison of these runners, and its report.
pub(super) fn compare<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>, runners: &[Id]) -> Vec<Id> {
    let compared = gate.compared();
    if compared.is_empty() {
        return Vec::new();
    }
    let output = gate.scratch.join("compare");
    let results = output.join("results.json");
    let smoke = steps.add(Lane::Run, "a comparison, cut short", runners, move |log| {
        smoke(gate, log, &compared, &output)
    });
    let report = steps.add(Lane::Run, "its report", &[smoke], move |log| {
        let text = report::report(&results, None).map_err(Error::Failed)?;
        let lines = text.lines().count();
        log.say(&format!("{lines} lines"));
        match lines {
            0 => Err(Error::Failed("the report is empty".to_string())),
            _ => Ok(()),
        }
    });
    vec![smoke, report]
}

/// A program of its own, as the user's is: it takes a lock, watches Ctrl-C and adopts the processes of its runners.
fn smoke(gate: &Gate<'_>, log: &mut Log, compared: &[&Crate], output: &Path) -> Result<(), Error> {
    // Its lock is among the temporary files. No figure is kept here, so that it need not wait for another comparison.
    let temporary = gate.scratch.join("tmp");
    std::fs::create_dir_all(&temporary)
        .map_err(|error| Error::io(format_args!("cannot make {}", temporary.display()), &error))?;
    let mut command = cargo::cleaned(gate.xtask);
    command
        .args(["compare", "--smoke", "--output"])
        .arg(output)
        .env("TMPDIR", &temporary)
        .current_dir(&gate.packages.root);
    let runners = gate.packages.crates.iter().filter(|one| one.has_compare);
    if compared.len() < runners.count() {
        for found in compared {
            command.args(["--model", model(&found.name)]);
        }
    }
    log.run(&mut command)
}

/// The model of a crate's runner: it is called as the crate, but for the baseline.
fn model(name: &str) -> &str {
    match name {
        "workload" => "sequential",
        name => name,
    }
}
