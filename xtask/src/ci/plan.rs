//! The plan of a run: which steps, in which lane, after which others.

use super::browser;
use super::checks::{self, Part};
use super::deep::Deep;
use super::finds::{has_bench, has_model_check, has_soak, may_be_unsafe};
use super::gate::Gate;
use super::log::Log;
use super::picks;
use super::publish;
use super::scope::PAGE_TESTS;
use super::second_server;
use super::steps::{Id, Lane, Steps};
use super::test_programs;
use super::toolchain::{self, seconds};
use super::{in_workspace, minimum, product};
use crate::error::Error;
use crate::packages::{Crate, Packages};

/// How long a soak runs beside another unless the environment says otherwise.
const SOAK_SECONDS: &str = "15";

/// A check of some crates, in two parts.
type Check = fn(&Packages, &mut Log, &[&Crate], Part) -> Result<(), Error>;

/// Adds all steps: the cheapest checks first, then in an order in which the lanes seldom wait for
/// each other. A program that calls cargo itself never runs while the other lane builds in the same
/// folder, where it would block.
pub(super) fn plan<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>, deep: &'a [Deep]) {
    let installed = browser::install(gate, steps);
    first_looks(gate, steps);
    let tests = build_tests(gate, steps);
    let runners = product::build(gate, steps);
    let job = product::job(gate, steps, &runners);
    let loom = gate.crates(has_model_check);
    let loom = build_check(gate, steps, "model checks", loom, checks::model_checks, &[]);
    let asan = gate.crates(may_be_unsafe);
    let asan = build_check(
        gate,
        steps,
        "AddressSanitizer",
        asan,
        checks::sanitized,
        &[],
    );

    let mut ran = run_tests(gate, steps, &tests, &[&runners[..], &job].concat());
    ran.extend(product::compare(gate, steps, &runners));
    ran.extend(browser::test(gate, steps, &installed, &tests));
    ran.extend(second_server::test(gate, steps, &tests));
    soaks(gate, steps, &tests);
    for check in [loom, asan].into_iter().flatten() {
        run_check(gate, steps, check);
    }

    let benches = gate.crates(has_bench);
    if let Some(check) = build_check(gate, steps, "benches", benches, checks::benches, &ran) {
        run_check(gate, steps, check);
    }
    for found in gate.crates(|_| true) {
        let title = format!("`{}` picked, standing alone", found.name);
        steps.add(Lane::Build, title, &ran, move |log| {
            picks::check(gate.packages, log, found, gate.scratch)
        });
    }
    for step in deep {
        steps.add(Lane::Build, step.title(gate), &ran, |log| {
            step.run(gate, log)
        });
    }
}

fn first_looks<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>) {
    steps.add(Lane::Build, "format", &[], |log| {
        toolchain::installed("fmt", "rustfmt")?;
        log.run(in_workspace(gate.packages).args(["fmt", "--all", "--check"]))
    });
    steps.add(
        Lane::Build,
        "the minimum Rust version of dependencies",
        &[],
        |log| minimum::dependencies(gate.packages, log),
    );
    if !gate.has("xtask") {
        steps.add(Lane::Build, "checks of all files", &[], |log| {
            let args = ["test", "--package", "xtask", "--test", "tidy"];
            log.some_tests(in_workspace(gate.packages).args(args))
        });
    }
    if gate.touched.is_some_and(|touched| touched.pages) {
        steps.add(Lane::Build, "checks of the pages", &[], |log| {
            for (package, tests) in PAGE_TESTS {
                let mut command = in_workspace(gate.packages);
                command.args(["test", "--package", package]);
                command.args(tests.iter().flat_map(|test| ["--test", test]));
                log.some_tests(&mut command)?;
            }
            Ok(())
        });
    }
    if gate.selected().is_empty() {
        return;
    }
    steps.add(Lane::Build, "lints", &[], |log| {
        toolchain::installed("clippy", "clippy")?;
        let mut command = in_workspace(gate.packages);
        command.arg("clippy").args(gate.selected()).args([
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ]);
        log.run(&mut command)
    });
    for found in gate.crates(Crate::has_features) {
        let title = format!("`{}` with each combination of features", found.name);
        steps.add(Lane::Build, title, &[], move |log| {
            publish::features(gate.packages, log, found)
        });
    }
    let crates = gate.crates(|_| true);
    if !crates.is_empty() {
        steps.add(Lane::Build, "packages for a registry", &[], move |log| {
            publish::packages(gate.packages, log, &crates)
        });
    }
    steps.add(Lane::Build, "documentation", &[], |log| {
        let mut command = in_workspace(gate.packages);
        command
            .args(["doc", "--no-deps", "--all-features"])
            .args(gate.selected())
            .env(
                "RUSTDOCFLAGS",
                toolchain::flags("RUSTDOCFLAGS", "-Dwarnings"),
            );
        log.run(&mut command)
    });
}

fn build_tests<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>) -> Vec<Id> {
    let tested = gate.built();
    if tested.is_empty() {
        return Vec::new();
    }
    let build = steps.add(Lane::Build, "build of the tests", &[], move |log| {
        let built = test_programs::build(gate.packages, log, &tested)?;
        gate.programs
            .set(built)
            .map_err(|_| Error::Failed("the tests were built twice".to_string()))
    });
    vec![build]
}

/// Adds a step for each package, the crates first. The tests of runners and xtask call cargo for
/// programs that are built by then.
fn run_tests<'a>(
    gate: &'a Gate<'a>,
    steps: &mut Steps<'a>,
    tests: &[Id],
    runners: &[Id],
) -> Vec<Id> {
    let is_crate = |name: &String| {
        gate.packages
            .crates
            .iter()
            .any(|found| found.package == *name)
    };
    let (crates, others): (Vec<String>, Vec<String>) =
        gate.tested().into_iter().partition(is_crate);
    let both = [tests, runners].concat();
    let crates = crates.into_iter().map(|name| (name, tests));
    let others = others.into_iter().map(|name| (name, &both[..]));
    let mut ran = Vec::new();
    for (name, after) in crates.chain(others) {
        let title = format!("tests of `{name}`");
        ran.push(steps.add(Lane::Run, title, after, move |log| {
            test_programs::run(log, gate.programs_of(&name))
        }));
    }
    if !tests.is_empty() {
        ran.push(steps.add(Lane::Run, "doc tests", tests, |log| {
            checks::doc_tests(gate.packages, log, &gate.built())
        }));
    }
    ran
}

fn soaks<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>, tests: &[Id]) {
    let soaked = gate.crates(has_soak);
    for pair in soaked.chunks(2) {
        let pair = pair.to_vec();
        let names: Vec<String> = pair.iter().map(|one| format!("`{}`", one.name)).collect();
        let title = format!("soak of {}", names.join(" beside "));
        steps.add(Lane::Run, title, tests, move |log| {
            let seconds = seconds("SOAK_SECONDS", SOAK_SECONDS);
            let soaks = pair.iter().map(|found| gate.programs_of(&found.package));
            checks::soak_beside(log, &soaks.collect::<Vec<_>>(), &seconds)
        });
    }
}

/// The result of [`build_check`].
struct Built<'a> {
    name: &'static str,
    id: Id,
    crates: Vec<&'a Crate>,
    check: Check,
}

fn build_check<'a>(
    gate: &'a Gate<'a>,
    steps: &mut Steps<'a>,
    name: &'static str,
    crates: Vec<&'a Crate>,
    check: Check,
    after: &[Id],
) -> Option<Built<'a>> {
    if crates.is_empty() {
        return None;
    }
    let these = crates.clone();
    let id = steps.add(
        Lane::Build,
        format!("build for: {name}"),
        after,
        move |log| check(gate.packages, log, &these, Part::Build),
    );
    Some(Built {
        name,
        id,
        crates,
        check,
    })
}

fn run_check<'a>(gate: &'a Gate<'a>, steps: &mut Steps<'a>, built: Built<'a>) {
    let Built {
        name,
        id,
        crates,
        check,
    } = built;
    steps.add(Lane::Run, name, &[id], move |log| {
        check(gate.packages, log, &crates, Part::Run)
    });
}
