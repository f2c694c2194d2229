//! The example `job_queue`, started as a program.

#[path = "support/example.rs"]
mod example;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/job_queue.rs"]
mod job_queue;

#[cfg(unix)]
use std::process::Command;

use example::{Folder, refuses, run, start};

/// A job that no test waits for.
const ENDLESS: &str = "18446744073709551615";

#[test]
fn example_succeeds_with_its_defaults() {
    example::become_or_check(job_queue::run);
}

#[test]
fn every_job_is_done_before_the_end() {
    let folder = Folder::new();
    let jobs = folder.write("jobs", "100\n".repeat(500));
    let ended = run(&[jobs.as_os_str(), "3".as_ref(), "120000".as_ref()]);
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    assert_eq!(ended.stdout.matches("25 primes below 100\n").count(), 500);
}

#[cfg(unix)]
#[test]
fn signal_finishes_accepted_jobs_while_input_is_open() {
    let mut running = start(&["-", "1", "120000"]);
    running.write("10\n");
    // It takes signals before it reads, and has read this line.
    running.line("4 primes below 10");
    running.write("20000\n100\n");
    running.line("2262 primes below 20000");
    let kill = format!("kill -TERM {}", running.id());
    let killed = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(killed.success());
    running.line("a signal: finishing");
    let ended = running.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn jobs_are_named_that_do_not_end_in_time() {
    let folder = Folder::new();
    let jobs = folder.write("jobs", format!("{ENDLESS}\n{ENDLESS}\n30\n40\n"));
    let ended = run(&[jobs.as_os_str(), "2".as_ref(), "100".as_ref()]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(
        ended.stdout.contains("end of the input: finishing\n"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("given up: "), "{ended:?}");
}

#[test]
fn line_that_is_no_number_is_named_and_costs_no_job() {
    let mut running = start(&["-"]);
    running.write("10\nmany\n100\n");
    let ended = running.end();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(ended.stderr, "job_queue: \"many\" is not a number\n");
    assert!(ended.stdout.contains("25 primes below 100\n"), "{ended:?}");
}

#[test]
fn bad_arguments_are_refused() {
    refuses(&["no such file"], "no such file");
    refuses(&["-", "0"], "\"0\" is not a number from 1 to 1000");
    refuses(
        &["-", "1", "soon"],
        "\"soon\" is not a number from 1 to 3600000",
    );
    refuses(&["-", "1", "1", "1"], "\"1\" is one argument too many");
}
