//! The model `cluster`, which needs a server: with one, without, and killed with one.

use rustix::process::Signal;
use xtask::packages::workspace;

use crate::support::{Comparison, WORK, processes_with, verified, wait_until};

/// Whether the comparison will find a server; says so otherwise.
fn has_server() -> bool {
    let packages = workspace().expect("a workspace");
    let declared = &packages.find("cluster").expect("a crate").declared;
    let found = declared.needs.as_ref().expect("a server").find();
    if let Err(why) = &found {
        eprintln!("skipped: {why}");
    }
    found.is_ok()
}

#[test]
fn cluster_named_without_a_server_is_refused_in_a_line() {
    let missing = Comparison::tiny()
        .args(["--model", "cluster"])
        .env("NATS_SERVER", "/no/such/server".into());
    missing
        .run()
        .refused(&["error: --model cluster", "NATS_SERVER", "/no/such/server"]);
    let folder = Comparison::new();
    let found = Comparison::command("compare").args(["--list"]);
    let found = found.env("NATS_SERVER", folder.path("none").into_os_string());
    let finished = found.run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    assert!(finished.stdout.contains("left out here: NATS_SERVER names"));
}

#[test]
fn cluster_is_measured_and_its_server_ends() {
    if !has_server() {
        return;
    }
    let finished = Comparison::tiny().args(["--model", "cluster"]).run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    verified(&finished.results(), "cluster");
    finished.nothing_left();
}

#[test]
fn server_ends_when_the_comparison_is_killed() {
    if !has_server() {
        return;
    }
    let long = "name = \"long\"\npattern = \"map\"\ntasks = 2\n[[step]]\nwait = \"4s\"\n";
    let comparison = Comparison::quick(long).args(["--model", "cluster"]);
    // The server's data is in the work folder, whose name stands on its command line.
    let folder = comparison.path("out").join(WORK);
    let folder = folder.display().to_string();
    let running = comparison.start();
    let servers = || {
        let found = processes_with("--store_dir").into_iter();
        let own = processes_with(&folder);
        found.filter(|process| own.contains(process)).count()
    };
    wait_until("the server", || servers() > 0);
    running.signal(Signal::KILL);
    wait_until("its end", || processes_with(&folder).is_empty());
}
