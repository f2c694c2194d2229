//! The model `cluster`, which needs a server: with one, without, interrupted and killed with one.

use std::fs;

use rustix::process::Signal;
use xtask::packages::workspace;

use crate::support::{Comparison, Running, TINY, cell, processes_with, verified, wait_until};

/// Two samples are beyond the patience of any test.
const LONG: &str = "name = \"long\"\npattern = \"map\"\ntasks = 2\n[[step]]\nwait = \"20s\"\n";

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

fn with_cluster(workload: &str) -> Comparison {
    let comparison = Comparison::quick(workload);
    comparison.args(["--model", "cluster", "--workers", "2"])
}

/// The processes that carry the mark of this comparison's contestants: runner, workers and server.
fn marked(comparison: u32) -> Vec<u32> {
    let mark = format!("XTASK_COMPARE_RUNNER={comparison}-");
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_marked = |process: &u32| {
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| variable.starts_with(mark.as_bytes()))
    };
    processes.filter(is_marked).collect()
}

/// Waits until a comparison has its server and two workers.
fn wait_for_crew(running: &Running) {
    wait_until("a server and workers", || {
        let own = marked(running.pid());
        let with = |text| {
            let found = processes_with(text).into_iter();
            found.filter(|process| own.contains(process)).count()
        };
        with("--store_dir") == 1 && with("--worker") == 2
    });
}

#[test]
fn cluster_named_without_a_server_is_refused_in_a_line() {
    let missing = with_cluster(TINY).env("NATS_SERVER", "/no/such/server".into());
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
    let finished = with_cluster(TINY).run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    verified(&finished.results(), "cluster");
    finished.nothing_left();
}

#[test]
fn program_that_is_no_server_fails_only_its_cell() {
    // Without a server nothing else here builds the runner, which takes a while.
    if !has_server() {
        return;
    }
    let finished = with_cluster(TINY)
        .env("NATS_SERVER", "/bin/false".into())
        .run();
    assert_eq!(finished.code(), 1, "{}", finished.stderr);
    let results = finished.results();
    verified(&results, "sequential");
    let error = cell(&results, "cluster").error.clone().expect("no server");
    assert!(error.contains("the server does not start"), "{error}");
    finished.nothing_left();
}

#[test]
fn comparisons_at_once_have_a_server_each() {
    if !has_server() {
        return;
    }
    let both = [(); 2].map(|()| with_cluster(LONG).start());
    both.iter().for_each(wait_for_crew);
    for running in both {
        let comparison = running.pid();
        running.signal(Signal::INT);
        let finished = running.finish();
        assert_eq!(finished.code(), 130, "{}", finished.stderr);
        finished.nothing_left();
        assert!(marked(comparison).is_empty());
    }
}

#[test]
fn server_ends_when_the_comparison_is_killed() {
    if !has_server() {
        return;
    }
    let running = with_cluster(LONG).start();
    wait_for_crew(&running);
    running.signal(Signal::KILL);
    wait_until("its end", || marked(running.pid()).is_empty());
}
