//! Two comparisons at once would measure each other; and nobody has to read what one prints.

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::program::xtask;
use crate::support::{Comparison, TINY, WORK, shell_runs, verified, wait_until};

/// A contestant that never answers, and can be found by this text on its command line.
fn hanging(tag: &str) -> [&str; 4] {
    // The last word is the name that the shell goes by.
    ["sh", "-c", "sleep 1000 & wait", tag]
}

#[test]
fn second_of_two_comparisons_is_refused() {
    let first = Comparison::tiny();
    let tag = first.tag();
    let first = first
        .runner("hanging", &hanging(&tag))
        .args(["--patience", "5s"])
        .start();
    wait_until("the first one's contestant", || shell_runs(&tag));

    // The lock is in the folder for temporary files, which is each test's own.
    let temporary = first.comparison().path("");
    let output = first.comparison().path("second");
    let second = xtask()
        .args(["compare", "gcd", "--output"])
        .arg(&output)
        .env("TMPDIR", temporary)
        .output()
        .expect("xtask starts");
    let stderr = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("another comparison is running"), "{stderr}");
    assert!(second.stdout.is_empty());
    assert!(!output.exists());

    let finished = first.finish();
    assert_eq!(finished.code(), 1, "one contestant hung");
    verified(&finished.results(), "sequential");
    finished.nothing_left();
}

#[test]
fn a_child_that_a_shell_left_to_it_is_not_its_own_to_end() {
    let comparison = Comparison::new();
    let folder = comparison.path("");
    let workload = comparison.file("tiny.toml", TINY);
    let script = "sleep 1000 & echo $! > \"$0\"; exec \"$@\"";
    let status = Command::new("sh")
        .args(["-c", script])
        .arg(folder.join("left"))
        .arg(env!("CARGO_BIN_EXE_xtask"))
        .args(["compare", "--model", "sequential", "--budget", "0s"])
        .args(["--iterations-per-us", "100", "--output"])
        .arg(folder.join("out"))
        .arg("--workload-file")
        .arg(workload)
        .env("TMPDIR", &folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("sh starts");
    let left = fs::read_to_string(folder.join("left")).expect("an id");
    let left: i32 = left.trim().parse().expect("an id");
    let left = Pid::from_raw(left).expect("an id");
    let alive = kill_process(left, Signal::KILL);
    assert_eq!(status.code(), Some(0));
    assert_eq!(alive, Ok(()), "it was there to be killed");
}

#[test]
fn nobody_has_to_read_what_it_prints() {
    let comparison = Comparison::new();
    let folder = comparison.path("");
    let workload = TINY.replace("compute = \"100us\"", "wait = \"200ms\"");
    let workload = comparison.file("tiny.toml", &workload);
    let mut child = xtask()
        .args(["compare", "--model", "sequential", "--budget", "0s"])
        .args(["--iterations-per-us", "100", "--workload-file"])
        .arg(workload)
        .arg("--output")
        .arg(folder.join("out"))
        .env("TMPDIR", &folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("xtask starts");
    // Cargo does mind, and has nothing to say once it has built.
    let inputs = folder.join("out").join(WORK).join("tiny-5.jsonl");
    wait_until("the inputs", || inputs.exists());
    drop((child.stdout.take(), child.stderr.take()));
    let status = child.wait().expect("it ends");
    let results = fs::read_to_string(folder.join("out/results.json")).unwrap_or_default();
    assert_eq!(status.code(), Some(0));
    assert!(results.contains("\"complete\": true"), "{results}");
}

#[test]
fn an_output_folder_that_holds_other_things_keeps_them() {
    let comparison = Comparison::tiny();
    fs::create_dir_all(comparison.path("out/work")).expect("a folder");
    // The remains of a killed comparison.
    fs::create_dir_all(comparison.path("out").join(WORK).join("old")).expect("a folder");
    fs::write(comparison.path("out/work").join("mine"), "mine").expect("the file is written");
    let finished = comparison.run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    finished.nothing_left();
    let mine = finished.results.with_file_name("work").join("mine");
    assert_eq!(fs::read_to_string(mine).expect("the file"), "mine");
}
