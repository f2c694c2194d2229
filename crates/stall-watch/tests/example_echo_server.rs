//! The example `echo_server`, started as a program.

#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/echo_server.rs"]
mod echo_server;
#[path = "support/example.rs"]
mod example;

use example::{refuses, run};

#[test]
fn example_succeeds_with_its_defaults() {
    example::become_or_check(echo_server::run);
}

#[test]
fn endless_wait_is_reported_while_it_blocks() {
    let ended = run(&["1"]);
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    // The wait ends by its own report. The other stalls may be too short to be found on a machine
    // that is busy enough.
    let mut lines = ended.stdout.lines();
    let is_report =
        |line: &str| line.contains("has been blocked for") && line.contains("`endless wait`");
    assert!(lines.any(is_report), "{ended:?}");
    assert!(ended.stdout.contains(" messages, "), "{ended:?}");
}

#[test]
fn bad_arguments_are_refused() {
    for seconds in ["0", "3601", "soon"] {
        refuses(&[seconds], "is not one number of seconds");
    }
    refuses(&["1", "2"], "is not one number of seconds");
}
