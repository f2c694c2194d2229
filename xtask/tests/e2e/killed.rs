//! A comparison that is killed leaves nothing running.

use std::fs;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use workload::tree::children;

use crate::support::program::xtask;
use crate::support::{Comparison, processes_with, wait_until};

/// The guardian of a comparison, which is a child of it with a role of its own.
fn guardian(comparison: u32) -> Option<Pid> {
    let guards = |process: &u32| {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("--guard-of-a-comparison")
    };
    let found = children(comparison).into_iter().find(guards)?;
    Pid::from_raw(found.cast_signed())
}

#[test]
fn comparison_ends_although_its_guardian_is_stopped() {
    let running = Comparison::tiny()
        .args(["--runner", "never=sleep 3", "--patience", "60s"])
        .start();
    let mut found = None;
    wait_until("its guardian", || {
        found = guardian(running.pid());
        found.is_some()
    });
    kill_process(found.expect("found"), Signal::STOP).expect("it is alive");
    let finished = running.finish();
    assert_eq!(finished.code(), 1, "{}", finished.stderr);
    assert!(finished.results().complete);
    finished.nothing_left();
}

#[test]
fn guardian_refuses_a_mark_that_is_not_one_comparison_s() {
    // A prefix of the mark below, and of no other process's.
    let mark = format!("test-{}-", std::process::id());
    let mut sleeper = Command::new("sleep")
        .arg("60")
        .env("XTASK_COMPARE_RUNNER", format!("{mark}0"))
        .spawn()
        .expect("it starts");
    let output = xtask()
        .args(["--guard-of-a-comparison", &mark])
        .output()
        .expect("xtask starts");
    let alive = sleeper.try_wait();
    sleeper.kill().expect("it is our child");
    sleeper.wait().expect("it is our child");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(matches!(alive, Ok(None)), "{alive:?}");
}

#[test]
fn grandchildren_end_when_the_comparison_is_killed() {
    // The length identifies the processes of this test.
    let length = format!("1000.{:09}", std::process::id());
    let script = format!("setsid sleep {length} & sleep {length} & wait");
    // The contestant never sends a hello, and its children hold its output open.
    let running = Comparison::tiny()
        .runner("sleeper", &["sh", "-c", &script])
        .start();
    wait_until("its children", || processes_with(&length).len() >= 2);
    running.signal(Signal::KILL);
    wait_until("the end of all", || processes_with(&length).is_empty());
}
