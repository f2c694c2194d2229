//! Workload files of every bad kind. The messages are tested where files are parsed; here, that the
//! comparison passes it on, and does nothing else.

use std::fs;
use std::time::Duration;

use crate::support::Comparison;

#[track_caller]
fn refused(text: &str, words: &[&str]) {
    let finished = Comparison::new().workload(text).run();
    finished.refused(&[words, &["workload.toml"]].concat());
    assert!(
        finished.took < Duration::from_secs(20),
        "{:?}",
        finished.took
    );
}

/// A right file but for one line.
fn with(line: &str) -> String {
    let key = line.split(' ').next().unwrap_or_default();
    let right = ["name = \"mine\"", "pattern = \"map\"", "tasks = 5"];
    let kept: Vec<&str> = right
        .into_iter()
        .filter(|right| !right.starts_with(key))
        .collect();
    format!("{}\n{line}\n[[step]]\nwait = \"1ms\"\n", kept.join("\n"))
}

/// A right file but for its step.
fn step(step: &str) -> String {
    format!("name = \"mine\"\npattern = \"map\"\ntasks = 5\n[[step]]\n{step}\n")
}

#[test]
fn file_that_is_not_toml_is_refused() {
    for text in ["", "[[step]", "\u{0}", "Dear Sir or Madam,\n"] {
        refused(text, &[]);
    }
}

#[test]
fn unknown_keys_and_missing_steps_are_refused() {
    refused(&with("taks = 5"), &["taks"]);
    refused("name = \"mine\"\npattern = \"map\"\ntasks = 5\n", &["step"]);
    refused(&step(""), &[]);
    refused(&step("wait = \"1ms\"\ncompute = \"1ms\""), &[]);
    refused(&step("wiat = \"1ms\""), &["wiat"]);
}

#[test]
fn counts_out_of_range_are_refused() {
    for tasks in [
        "0",
        "-1",
        "10000001",
        "99999999999999999999",
        "1.5",
        "\"many\"",
    ] {
        refused(&with(&format!("tasks = {tasks}")), &["tasks"]);
    }
}

#[test]
fn unknown_units_kernels_patterns_programs_are_refused() {
    refused(&step("wait = \"3 fortnights\""), &["fortnights"]);
    refused(&step("wait = \"-3ms\""), &[]);
    refused(&step("wait = 3"), &[]);
    refused(&step("read = \"3GiB\""), &[]);
    refused(&step("kernel = \"fibonacci\""), &["fibonacci", "gcd"]);
    refused(&with("pattern = \"mop\""), &["mop", "map"]);
    refused(&step("exec = [\"no-such-program\"]"), &["no-such-program"]);
    refused(&step("exec = []"), &["exec"]);
}

#[test]
fn distributions_that_are_none_are_refused() {
    let choice = |last: &str| format!("wait = {{ choice = [[\"1ms\", 0.9], [\"2ms\", {last}]] }}");
    refused(&step(&choice("0.2")), &["choice"]);
    refused(&step(&choice("-0.1")), &[]);
    refused(&step(&choice("nan")), &[]);
    refused(
        &step("wait = { uniform = [\"2ms\", \"1ms\"] }"),
        &["uniform"],
    );
    refused(&step("wait = { normal = [\"2ms\", 1] }"), &["normal"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let comparison = Comparison::new();
    let bytes = comparison.path("bytes.toml");
    fs::write(&bytes, b"name = \"\xff\"").expect("written");
    for path in [comparison.path("missing.toml"), comparison.path(""), bytes] {
        let name = path.display().to_string();
        let finished = Comparison::new()
            .args(["--workload-file".into(), path.into_os_string()])
            .run();
        finished.refused(&[&name]);
    }
}
