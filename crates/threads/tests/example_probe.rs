//! The example `probe`, started as a program.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process;

#[path = "support/example.rs"]
mod example;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/probe.rs"]
mod probe;

use example::{Folder, refuses, run};

#[test]
fn example_succeeds_with_its_defaults() {
    example::become_or_check(probe::run);
}

#[test]
fn open_ports_answer_in_the_order_of_the_arguments() {
    let open: Vec<_> = (0..5)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let names: Vec<String> = open
        .iter()
        .map(|listener| listener.local_addr().unwrap().to_string())
        .collect();
    let mut arguments = vec!["--at-once", "2", "--timeout-ms", "60000"];
    arguments.extend(names.iter().map(String::as_str));
    let ended = run(&arguments);
    let mut expected: String = names
        .iter()
        .map(|name| format!("{name} answers at {name}\n"))
        .collect();
    expected += "5 of 5 answer\n";
    assert_eq!((ended.status, ended.stdout), (Some(0), expected));
}

#[test]
fn unknown_host_is_a_failure_of_its_own() {
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = open.local_addr().unwrap().to_string();
    // `.invalid` never has an address (RFC 6761).
    let ended = run(&["--timeout-ms", "60000", "host.invalid:80", &name]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(
        lines[0].starts_with("host.invalid:80 does not answer: "),
        "{ended:?}"
    );
    assert_eq!(
        lines[1..],
        [&*format!("{name} answers at {name}"), "1 of 2 answer"]
    );
}

#[test]
fn bad_arguments_are_refused() {
    refuses(
        &["--at-once", "0", "localhost:1"],
        "--at-once needs a number of at least 1",
    );
    refuses(
        &["--timeout-ms"],
        "--timeout-ms needs a number of at least 1",
    );
    refuses(&["--fast", "1"], "no option --fast");
    refuses(&["localhost"], "localhost is not HOST:PORT");
    refuses(&["localhost:65536"], "localhost:65536 is not HOST:PORT");
}

/// As after a run that was killed, in a process of the same id.
#[test]
fn folder_is_made_when_an_earlier_run_left_its_name() {
    let left = |number| env::temp_dir().join(format!("example-{}-{number}", process::id()));
    // The others are in use by tests beside this one.
    let left: Vec<PathBuf> = (0..20)
        .map(left)
        .filter(|path| fs::create_dir(path).is_ok())
        .collect();
    let folder = Folder::new();
    let is_new = !left.iter().any(|path| path == folder.path());
    for path in left {
        fs::remove_dir(path).unwrap();
    }
    assert!(is_new && folder.path().is_dir());
}
