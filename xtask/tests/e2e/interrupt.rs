//! Ctrl-C, and what else asks a program to end.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{
    Comparison, Finished, Running, TINY, WORK, cell, shell_runs, verified, wait_until,
};

/// Half the length of a sample, so that a comparison that waits for its sample fails. A second is
/// promised; the rest allows for a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// Twenty seconds a sample.
const SLOW: &str = r#"
name = "slow"
pattern = "map"
tasks = 20
[[step]]
wait = "1s"
"#;

/// A workload with all that a comparison can have running: a server, a file, children.
const BUSY: &str = r#"
name = "busy"
pattern = "map"
tasks = 20
[[step]]
read = "1KiB"
[[step]]
fetch = "1KiB"
delay = "10ms"
[[step]]
exec = ["sleep", "0.5"]
"#;

fn stop(running: Running, signal: Signal) -> Finished {
    let start = Instant::now();
    running.signal(signal);
    let finished = running.finish();
    let took = start.elapsed();
    eprintln!("{signal:?}: ended within {took:?}");
    assert_eq!(finished.code(), 130, "{}", finished.stderr);
    assert!(took < SOON, "{took:?}");
    finished.nothing_left();
    finished
}

/// The processes that were started by this one, and by those.
fn below(process: u32) -> Vec<u32> {
    workload::tree::descendants(process)
}

fn alive(process: &u32) -> bool {
    // Reaped or not: one that has ended maps nothing.
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps"));
    maps.is_ok_and(|maps| !maps.is_empty())
}

/// Waits until the last workload is being sampled, and gives it time to be in the middle of that.
fn until_sampled(running: &Running, name: &str) {
    let file = running
        .comparison()
        .path(&format!("out/{WORK}/{name}.jsonl"));
    wait_until("the inputs", || file.exists());
    sleep(Duration::from_millis(700));
}

#[test]
fn ctrl_c_in_mid_sample_keeps_results_and_no_process() {
    let comparison = Comparison::tiny();
    let slow = comparison.file("slow.toml", SLOW);
    let running = comparison
        .args(["--workload-file".into(), slow.into_os_string()])
        .start();
    until_sampled(&running, "slow-20");
    let started = below(running.pid());
    assert!(!started.is_empty(), "a runner is in mid-sample");
    let finished = stop(running, Signal::INT);
    assert_eq!(started.iter().filter(|process| alive(process)).count(), 0);

    let results = finished.results();
    assert!(!results.complete);
    verified(&results, "sequential");
    assert_eq!(cell(&results, "sequential").workload, "tiny");
    assert!(
        finished.stderr.contains("interrupted"),
        "{}",
        finished.stderr
    );
}

#[test]
fn every_signal_that_asks_for_the_end_gets_it() {
    for signal in [Signal::TERM, Signal::HUP] {
        let running = Comparison::quick(SLOW).start();
        until_sampled(&running, "slow-20");
        let finished = stop(running, signal);
        assert!(!finished.results().complete);
    }
}

#[test]
fn a_server_and_children_end_too() {
    let comparison = Comparison::new().workload(BUSY);
    let running = comparison
        .args(["--model", "threads", "--iterations-per-us", "100"])
        .start();
    until_sampled(&running, "busy-20");
    wait_until("the children of a runner", || {
        below(running.pid()).len() > 2
    });
    let started = below(running.pid());
    let finished = stop(running, Signal::INT);
    assert_eq!(started.iter().filter(|process| alive(process)).count(), 0);
    assert!(!finished.results().complete);
}

#[test]
fn a_contestant_that_hangs_does_not_delay_it() {
    let comparison = Comparison::tiny();
    let tag = comparison.tag();
    let running = comparison
        .runner(
            "hanging",
            &["sh", "-c", "trap '' TERM; sleep 1000 & wait", &tag],
        )
        .start();
    wait_until("the contestant", || shell_runs(&tag));
    let started = below(running.pid());
    stop(running, Signal::INT);
    assert_eq!(started.iter().filter(|process| alive(process)).count(), 0);
}

#[test]
fn it_can_be_interrupted_at_any_moment() {
    for delay in [0, 20, 60, 120, 200, 300, 450] {
        let running = Comparison::new()
            .workload(&TINY.replace("compute = \"100us\"", "wait = \"50ms\""))
            .args(["--model", "sequential", "--budget", "2s"])
            .start();
        // Before that, it ends as any program does.
        let work = running.comparison().path(&format!("out/{WORK}"));
        wait_until("the beginning", || work.exists());
        sleep(Duration::from_millis(delay));
        let finished = stop(running, Signal::INT);
        assert!(!finished.results.exists() || !finished.results().complete);
    }
}
