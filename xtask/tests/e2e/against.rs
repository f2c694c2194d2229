//! Two comparisons, one after the other: what is left beside them, refusals, and the gate.

use std::fs;
use std::path::{Path, PathBuf};

use xtask::results::{self, Results};

use crate::support::{Comparison, Finished, TINY};

/// Sequential and threads on the tiny workload, with time enough for four lives.
fn sampled() -> Comparison {
    Comparison::new()
        .workload(TINY)
        .args(["--model", "sequential", "--model", "threads"])
        .args(["--iterations-per-us", "100", "--budget", "5s"])
}

/// The results of a run as a file of this comparison, changed.
fn earlier(comparison: &Comparison, of: &Finished, change: impl FnOnce(&mut Results)) -> PathBuf {
    let mut earlier = of.results();
    change(&mut earlier);
    let path = comparison.path("earlier.json");
    results::write(&path, &earlier).expect("a file");
    path
}

fn against(comparison: Comparison, baseline: &Path) -> Comparison {
    comparison.args(["--baseline".into(), baseline.as_os_str().to_owned()])
}

#[test]
fn files_for_people_and_tools_lie_beside_the_results() {
    let finished = Comparison::tiny().run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    let folder = finished.results.parent().expect("a folder");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect(name);
    assert!(read("results.md").contains("tiny"));
    let samples: usize = finished
        .results()
        .cells
        .iter()
        .map(|c| c.samples.len())
        .sum();
    assert_eq!(read("results.csv").lines().count(), 1 + samples);
    assert!(read("report.html").starts_with("<!DOCTYPE html>"));
}

#[test]
fn a_folder_in_place_of_a_file_is_refused_at_once() {
    for name in ["results.md", "results.csv", "report.html"] {
        let comparison = Comparison::tiny();
        fs::create_dir_all(comparison.path("out").join(name)).expect("a folder");
        comparison.run().refused(&[name, "is a folder"]);
    }
}

#[test]
fn a_baseline_of_another_machine_or_of_other_work_is_refused() {
    let first = Comparison::tiny().run();
    assert_eq!(first.code(), 0, "{}", first.stderr);
    let refused = |change: &dyn Fn(&mut Results), flags: &[&str], why: &str| {
        let comparison = Comparison::tiny().args(flags.iter().copied());
        let path = earlier(&comparison, &first, change);
        let finished = against(comparison, &path).run();
        finished.refused(&["earlier.json: cannot be compared with: ", why]);
    };
    refused(
        &|then| then.environment.cpu = "Z80".into(),
        &[],
        "another processor",
    );
    refused(
        &|then| then.environment.cpus += 1,
        &[],
        "number of processors",
    );
    refused(&|then| then.settings.smoke = true, &[], "smoke run");
    refused(&|_| {}, &["--smoke"], "leave --smoke out");
    refused(&|_| {}, &["--seed", "4"], "leave --seed out");
    refused(&|_| {}, &["--tasks", "7"], "repeat its --tasks");
    refused(
        &|then| then.environment.iterations_per_us = 7,
        &[],
        "7 iterations",
    );
}

#[test]
fn the_gate_needs_a_baseline_and_a_percentage() {
    let comparison = || Comparison::tiny().args(["--fail-on-slower"]);
    comparison().args(["10%"]).run().refused(&["--baseline"]);
    let nothing = Path::new("/nothing");
    against(comparison().args(["much"]), nothing)
        .run()
        .refused(&["how many percent"]);
}

#[test]
fn contestants_made_slower_fail_the_gate_and_are_named() {
    let first = sampled().run();
    assert_eq!(first.code(), 0, "{}", first.stderr);
    let gate = |factor: u64| {
        let comparison = sampled().args(["--fail-on-slower", "900%"]);
        let path = earlier(&comparison, &first, |then| {
            let samples = then.cells.iter_mut().flat_map(|cell| &mut cell.samples);
            samples.for_each(|sample| sample.wall_ns = (sample.wall_ns / factor).max(1));
        });
        against(comparison, &path).run()
    };
    let same = gate(1);
    assert_eq!(same.code(), 0, "{}", same.stderr);
    assert!(
        same.stderr.contains("slower than 900 %: 0 of "),
        "{}",
        same.stderr
    );
    assert!(!same.stderr.contains("error: "), "{}", same.stderr);
    // As if it had been ten thousand times as fast: no noise of this machine makes up for that.
    let slower = gate(10_000);
    assert_eq!(slower.code(), 1, "{}", slower.stderr);
    assert!(
        slower
            .stderr
            .contains("error: slower than 900 %: tiny sequential: "),
        "{}",
        slower.stderr
    );
    assert!(
        slower.stdout.contains("changed beyond noise"),
        "{}",
        slower.stdout
    );
    let folder = slower.results.parent().expect("a folder");
    let page = fs::read_to_string(folder.join("results.md")).expect("Markdown");
    assert!(page.contains("| changed beyond noise |"), "{page}");
}

#[test]
fn output_without_a_terminal_is_plain_and_as_wide_as_told() {
    let plain = Comparison::tiny().env("TERM", "xterm".into()).run();
    assert!(!plain.stdout.contains('\u{1b}') && !plain.stderr.contains('\u{1b}'));
    let narrow = Comparison::tiny()
        .env("COLUMNS", "40".into())
        .env("LC_ALL", "C".into())
        .run();
    assert_eq!(narrow.code(), 0, "{}", narrow.stderr);
    assert!(narrow.stdout.is_ascii() && narrow.stderr.is_ascii());
    let longest = narrow.stdout.lines().map(str::len).max();
    assert!(
        longest.is_some_and(|columns| columns <= 40),
        "{}",
        narrow.stdout
    );
}
