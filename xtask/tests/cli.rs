//! The command line as a user meets it: the program itself, its exit status and what it prints.

#[path = "support/program.rs"]
mod program;

use std::process::Output;

fn xtask(args: &[&str]) -> Output {
    program::xtask().args(args).output().expect("xtask starts")
}

/// Exit status 2, nothing on stdout, and one line on stderr that has each of the words.
#[track_caller]
fn refused(args: &[&str], words: &[&str]) {
    let output = xtask(args);
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert_eq!(stderr.matches('\n').count(), 1, "{args:?}: {stderr}");
    assert!(
        stderr.ends_with('\n') && stderr.len() > 1,
        "{args:?}: {stderr}"
    );
    assert!(output.stdout.is_empty(), "{args:?}");
    for word in words {
        assert!(stderr.contains(word), "{args:?} lacks {word:?}: {stderr}");
    }
}

#[test]
fn every_bad_value_is_refused_in_one_line_that_names_its_flag() {
    let help = "see `cargo xtask compare --help`";
    let number = "a whole number from";
    for (flag, values, remedy) in [
        (
            "--tasks",
            &[
                "0",
                "-1",
                "ten",
                "10000001",
                "1,,2",
                "",
                "1;2",
                "99999999999999999999",
            ][..],
            number,
        ),
        ("--workers", &["0", "4097", "1.5", "2,0", ""], number),
        (
            "--seed",
            &["-1", "0x10", "18446744073709551616", ""],
            number,
        ),
        ("--iterations-per-us", &["0", "-3", "fast"], number),
        (
            "--budget",
            &["60", "s", "-1s", "2h", "1 s", "1e3s", ""],
            "as in 500ms, 60s or 2m",
        ),
        (
            "--patience",
            &["60", "61m", "forever"],
            "as in 500ms, 60s or 2m",
        ),
        ("--patience", &["0s"], "such as 30s"),
        (
            "--model",
            &["", "Threads", "threads/", "/limited", "threads/a/b"],
            "NAME/VARIANT",
        ),
        ("--runner", &["mine", ""], "NAME=COMMAND"),
        ("--runner", &["Mine=./mine", "=./mine"], "a-z, 0-9 and -"),
        (
            "--runner",
            &["mine=", "mine=  ", "mine=''"],
            "name the program",
        ),
        ("--runner", &["mine='./mine"], "never closed"),
    ] {
        for value in values {
            refused(
                &["compare", &format!("{flag}={value}")],
                &[flag, remedy, help],
            );
        }
    }
}

#[test]
fn every_flag_without_its_value_is_refused_in_one_line() {
    for flag in [
        "--model",
        "--workload-file",
        "--runner",
        "--tasks",
        "--workers",
        "--seed",
        "--budget",
        "--iterations-per-us",
        "--inputs",
        "--output",
        "--baseline",
        "--fail-on-slower",
        "--patience",
    ] {
        refused(&["compare", flag], &[flag, "a value is required"]);
    }
}

#[test]
fn flags_that_take_no_value_or_come_once_say_so() {
    refused(&["compare", "--smoke=yes"], &["--smoke"]);
    refused(
        &["compare", "--seed=1", "--seed=2"],
        &["--seed", "cannot be used multiple times"],
    );
    refused(
        &["compare", "--smoke", "--smoke"],
        &["--smoke", "cannot be used multiple times"],
    );
}

#[test]
fn unknown_flags_are_named_with_what_may_have_been_meant() {
    refused(
        &["compare", "--smok"],
        &["--smok", "'--smoke'", "see `cargo xtask compare --help`"],
    );
    refused(&["compare", "-x"], &["-x"]);
    refused(
        &["test", "--release"],
        &["--release", "see `cargo xtask test --help`"],
    );
    refused(&["ci", "now"], &["now"]);
}

#[test]
fn a_file_where_a_name_belongs_is_told_its_flag() {
    refused(
        &["compare", "my/orders.toml"],
        &["my/orders.toml", "--workload-file FILE"],
    );
}

#[test]
fn a_wrong_or_missing_command_lists_the_commands() {
    refused(
        &[],
        &[
            "compare, calibrate, prices, advise, test, build, report, new, pick, footprint, ci",
            "see `cargo xtask --help`",
        ],
    );
    refused(
        &["compere"],
        &[
            "`compere`",
            "compare, calibrate, prices, advise, test, build, report, new, pick, footprint, ci",
        ],
    );
    refused(&["comapre"], &["`comapre`", "did you mean `compare`?"]);
    refused(&["new", "worklaod"], &["did you mean `new workload`?"]);
    refused(&["--smoke"], &["--smoke"]);
    refused(&["new"], &["no command is named: use one of new workload"]);
    refused(
        &["new", "modle"],
        &["`new modle`", "did you mean `new model`?"],
    );
    refused(&["new", "model"], &["NAME"]);
    refused(&["new", "workload"], &["NAME"]);
}

#[test]
fn missing_arguments_are_named() {
    refused(
        &["pick"],
        &["<CRATE> <DIR>", "see `cargo xtask pick --help`"],
    );
    refused(&["pick", "threads"], &["<DIR>"]);
    refused(&["report"], &["<RESULTS.json>"]);
}

#[test]
fn a_line_break_in_an_argument_makes_no_second_line() {
    refused(&["compare", "--tasks", "1\n\n2\r\n3"], &["--tasks"]);
    refused(&["compa\nre"], &["compa re"]);
    refused(&["test", "no\nsuch"], &["no such"]);
}

#[test]
fn unknown_crates_are_refused_with_the_known_ones() {
    for command in ["test", "build"] {
        refused(&[command, "threats"], &["`threats`", "threads", "workload"]);
    }
    refused(
        &["pick", "threats", "somewhere"],
        &["`threats`", "threads", "workload"],
    );
    // The runners go with their crates, and cannot be taken out alone.
    refused(
        &["pick", "threads-compare", "somewhere"],
        &["`threads-compare`"],
    );
}

#[test]
fn help_is_printed_on_stdout_and_is_no_error() {
    for (args, words) in [
        (
            &["--help"][..],
            &["compare", "test", "build", "report", "pick", "ci"][..],
        ),
        (
            &["compare", "--help"],
            &[
                "--model <NAME[/VARIANT]>",
                "--patience",
                "[default: 52s; with --smoke 2s]",
                "[default: target/compare]",
            ],
        ),
        (&["compare", "-h"], &["--workload-file <FILE>"]),
        (&["help", "pick"], &["<CRATE>", "<DIR>"]),
        (&["report", "--help"], &["--into <FILE>"]),
    ] {
        let output = xtask(args);
        let stdout = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(output.stderr.is_empty(), "{args:?}");
        for word in words {
            assert!(stdout.contains(word), "{args:?} lacks {word:?}: {stdout}");
        }
    }
}

/// Otherwise a shorter run could pass for a complete one.
#[test]
fn ci_since_a_missing_commit_is_refused() {
    for missing in ["no-such-branch", "", "--deep"] {
        let words = ["cannot tell what changed since", "leave out --since"];
        refused(&["ci", "--since", missing], &words);
    }
    refused(&["ci", "--since"], &["--since <REV>"]);
    refused(
        &["ci", "--quick"],
        &["--quick", "see `cargo xtask ci --help`"],
    );
}

#[test]
fn mistyped_names_get_a_suggestion() {
    for (args, meant) in [
        (&["compare", "waist"][..], "waits"),
        (&["compare", "gcd", "--model", "tokio"], "tokio-tasks"),
        (&["compare", "gcd", "--model", "thread-pol"], "thread-pool"),
        (&["compare", "gcd", "--model", "threads/limitd"], "limited"),
        (&["test", "thread-pol"], "thread-pool"),
        (&["build", "tokio"], "tokio-tasks"),
        (&["pick", "treads", "somewhere"], "threads"),
    ] {
        refused(args, &[&format!("did you mean `{meant}`?")]);
    }
}

#[test]
fn a_list_names_the_variants() {
    let output = xtask(&["compare", "--list"]);
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0));
    for name in ["threads/limited", "tokio-tasks/blocking-in-loop", "waits"] {
        assert!(stdout.contains(name), "{stdout}");
    }
}

#[test]
fn a_report_of_a_missing_file_is_a_usage_error() {
    refused(
        &["report", "no/such/results.json"],
        &["no/such/results.json"],
    );
}

#[cfg(unix)]
#[test]
fn a_report_never_waits_for_a_fifo_or_an_endless_file() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (fifo, zeros) = (path("fifo"), path("zeros"));
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    std::os::unix::fs::symlink("/dev/zero", &zeros).expect("a link");
    refused(&["report", &fifo], &["it is a FIFO"]);
    refused(&["report", &zeros], &["it is a device"]);
    refused(&["report", &path("")], &["is a directory"]);
}

/// As root, a rename could replace a device by a regular file.
#[cfg(unix)]
#[test]
fn a_report_goes_into_regular_files_only() {
    use std::os::unix::fs::FileTypeExt as _;

    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (results, fifo, link) = (path("results.json"), path("fifo"), path("link"));
    let empty = r#"{"schema": 1, "complete": true, "environment": {}, "settings": {}, "workloads": [], "cells": [], "skipped": []}"#;
    std::fs::write(&results, empty).expect("a file");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    std::os::unix::fs::symlink("fifo", &link).expect("a link");
    refused(&["report", &results, "--into", &link], &["link", "a FIFO"]);
    let found = std::fs::symlink_metadata(&fifo).expect("it is there");
    assert!(found.file_type().is_fifo());
    refused(&["report", &results, "--into", &path("")], &["a directory"]);
}

#[cfg(unix)]
#[test]
fn paths_that_are_not_utf8_are_refused_in_one_line_or_work() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let odd = std::ffi::OsStr::from_bytes(b"odd\xff");
    let run = |args: &[&std::ffi::OsStr]| {
        let output = program::xtask()
            .args(args)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("xtask starts");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(stderr.lines().count() <= 1, "{args:?}: {stderr}");
        (output.status.code(), stderr)
    };
    let path = folder.path().join(odd);
    for args in [
        &["report".as_ref(), path.as_os_str()][..],
        &["pick".as_ref(), "threads".as_ref(), path.as_os_str()],
        &["pick".as_ref(), odd, path.as_os_str()],
        &["new".as_ref(), "workload".as_ref(), odd],
        &["test".as_ref(), odd],
        &["build".as_ref(), odd],
        &["compare".as_ref(), odd],
        &["compare".as_ref(), "--model".as_ref(), odd],
        &["compare".as_ref(), "--tasks".as_ref(), odd],
        &["compare".as_ref(), "--runner".as_ref(), odd],
        &[odd],
    ] {
        let (code, stderr) = run(args);
        assert_eq!(code, Some(2), "{args:?}: {stderr}");
        assert!(!stderr.is_empty() && !path.exists(), "{args:?}");
    }
    let empty = r#"{"schema": 1, "complete": true, "environment": {}, "settings": {}, "workloads": [], "cells": [], "skipped": []}"#;
    std::fs::write(&path, empty).expect("a file");
    assert_eq!(run(&["report".as_ref(), path.as_os_str()]).0, Some(0));
}
