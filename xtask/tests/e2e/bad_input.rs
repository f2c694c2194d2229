//! Wrong arguments: one line of error, at once, and nothing left behind.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use crate::support::{Comparison, TINY};

/// Nothing is built first. Generous: cargo is asked which packages there are.
const AT_ONCE: Duration = Duration::from_secs(20);

#[track_caller]
fn refused(comparison: Comparison, words: &[&str]) {
    let finished = comparison.run();
    finished.refused(words);
    assert!(finished.took < AT_ONCE, "{:?}", finished.took);
}

#[test]
fn names_that_do_not_exist_are_answered_with_those_that_do() {
    refused(Comparison::new().args(["gdc"]), &["`gdc`", "gcd", "waits"]);
    refused(
        Comparison::new().args(["gcd", "--model", "treads"]),
        &["`treads`", "threads", "tokio-tasks"],
    );
    refused(
        Comparison::new().args(["gcd", "--workers", "2", "--workers", "thread-pol=64"]),
        &["--workers thread-pol", "did you mean `thread-pool`?"],
    );
    refused(
        Comparison::new().args(["gcd", "--model", "threads", "--workers", "thread-pool=64"]),
        &["--workers thread-pool=64", "does not take part"],
    );
    refused(
        Comparison::new().args(["gcd", "gcd"]),
        &["`gcd` is named twice"],
    );
}

#[test]
fn a_runner_cannot_take_the_name_of_another() {
    for name in ["threads", "sequential"] {
        refused(
            Comparison::new().runner(name, &["true"]),
            &["--runner", name, "another name"],
        );
    }
    refused(
        Comparison::new()
            .runner("mine", &["true"])
            .runner("mine", &["false"]),
        &["--runner mine", "two of that name"],
    );
}

#[test]
fn a_runner_must_be_a_program() {
    refused(
        Comparison::new().runner("mine", &["/no/such/program", "x"]),
        &["--runner mine", "`/no/such/program` is no program"],
    );
}

#[test]
fn a_workload_can_show_only_what_there_is() {
    let showing = |shown: &str| {
        let text = format!("show = [\"{shown}\"]\n{TINY}");
        Comparison::new().workload(&text)
    };
    refused(
        showing("treads/limited"),
        &["treads/limited", "no model `treads`", "threads"],
    );
    refused(
        showing("threads/limitless"),
        &["shows `threads/limitless`", "limited"],
    );
}

#[test]
fn unknown_variant_is_refused_with_a_list_of_the_known() {
    // The manifests list the variants, so nothing is built for this.
    refused(
        Comparison::tiny().args(["--model", "threads/limitless"]),
        &["error: --model threads/limitless", "limited, cores"],
    );
    refused(
        Comparison::tiny().args(["--model", "child-process/fast"]),
        &["`child-process` has no such variant", "leave it out"],
    );
}

#[test]
fn an_output_folder_that_cannot_be_written_is_named() {
    let comparison = Comparison::new();
    let file = comparison.file("file", "");
    for folder in [file.join("folder"), file, "/proc/no-such-folder".into()] {
        let path = folder.display().to_string();
        let finished = comparison_to(folder.into_os_string()).run();
        finished.refused(&[&path, "cannot be written", "--output DIR"]);
    }
    let path = OsString::from_vec(b"/tmp/\xff".to_vec());
    comparison_to(path)
        .run()
        .refused(&["UTF-8", "--output DIR"]);
    fs::create_dir_all(comparison.path("taken/results.json")).expect("a folder");
    let taken = comparison.path("taken").into_os_string();
    let finished = comparison_to(taken).run();
    finished.refused(&["results.json is a folder", "--output DIR"]);
}

/// The tiny workload with another output folder.
fn comparison_to(output: OsString) -> Comparison {
    Comparison::tiny().output(output)
}

#[test]
fn a_file_for_the_inputs_that_cannot_be_written_is_named() {
    let folder = Comparison::new();
    for path in [
        folder.path(""),
        folder.path("no/such/folder/inputs"),
        "/dev/null".into(),
    ] {
        let name = path.display().to_string();
        let comparison = Comparison::tiny().args(["--inputs".into(), path.into_os_string()]);
        refused(comparison, &[&name, "cannot be written", "--inputs FILE"]);
    }
}

#[test]
fn earlier_inputs_stay_until_there_are_new_ones() {
    let comparison = Comparison::tiny();
    let inputs = comparison.file("inputs", "precious");
    let finished = comparison
        .args(["--model", "threads/limitless", "--inputs"])
        .args([inputs.clone().into_os_string()])
        .run();
    assert_eq!(finished.code(), 2, "{}", finished.stderr);
    assert_eq!(fs::read_to_string(inputs).expect("a file"), "precious");
}

#[test]
fn a_baseline_that_is_none_is_named() {
    let folder = Comparison::new();
    let text = folder.file("text", "not JSON");
    let other = folder.file("other", r#"{"name": "other"}"#);
    let newer = folder.file("newer", r#"{"schema": 99}"#);
    let absurd = folder.file(
        "absurd",
        r#"{"schema": 1, "complete": true, "environment": {"iterations_per_us": 1000000000000}, "settings": {},
            "workloads": [], "cells": [], "skipped": []}"#,
    );
    let missing = folder.path("missing");
    for (path, why) in [
        (missing, "no such file"),
        (text, "is not JSON"),
        (other, "is not the results of a comparison"),
        (newer, "schema 99"),
        (absurd, "1000000000000 iterations in a microsecond"),
        (folder.path(""), "is a directory"),
    ] {
        let comparison = Comparison::tiny().args(["--baseline".into(), path.into_os_string()]);
        refused(comparison, &[why]);
    }
}

#[test]
fn a_good_workload_does_not_hide_a_bad_one() {
    let comparison = Comparison::tiny();
    let bad = comparison.file("bad.toml", &TINY.replace("tasks = 5", "tasks = 0"));
    let comparison = comparison.args(["--workload-file".into(), bad.into_os_string()]);
    refused(comparison, &["bad.toml", "tasks"]);
}
