//! The `exec` step with real programs.
#![cfg(unix)]

use std::time::{Duration, Instant};

use workload::inputs::{Step, Task};
use workload::task::{Exec, Exited, Failure, Surroundings, run_blocking};
use workload::value::{bytes, digest_bytes, mix};

fn task(steps: &[(&[&str], Option<u64>)]) -> Task {
    let steps = steps
        .iter()
        .map(|(command, timeout_ns)| Step::Exec {
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            timeout_ns: *timeout_ns,
        })
        .collect();
    Task {
        index: 0,
        seed: 42,
        steps,
        stages: Vec::new(),
    }
}

fn run(task: &Task) -> Result<u64, Failure> {
    run_blocking(task, 1, &[], &Surroundings::default())
}

fn value(before: u64, code: i32, stdout: &[u8]) -> u64 {
    mix(before ^ digest_bytes(&[&code.to_le_bytes(), stdout]))
}

#[test]
fn programs_read_the_seed_or_the_previous_output() {
    let stdin = bytes(42, 32);
    let once = value(42, 0, &stdin);
    assert_eq!(run(&task(&[(&["cat"], None)])), Ok(once));
    assert_eq!(
        run(&task(&[(&["cat"], None), (&["cat"], Some(60_000_000_000))])),
        Ok(value(once, 0, &stdin))
    );
}

#[test]
fn exit_codes_and_signals_are_part_of_the_value() {
    assert_eq!(
        run(&task(&[(&["sh", "-c", "exit 3"], None)])),
        Ok(value(42, 3, b""))
    );
    assert_eq!(
        run(&task(&[(&["sh", "-c", "kill -TERM $$"], None)])),
        Ok(value(42, -15, b""))
    );
}

#[test]
fn program_that_times_out_is_killed_with_its_children() {
    let start = Instant::now();
    let slow = task(&[(
        &["sh", "-c", "echo begun; sleep 57.3 & sleep 57.3"],
        Some(100_000_000),
    )]);
    assert_eq!(run(&slow), Ok(value(42, Exited::TIMED_OUT, b"")));
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    let left = std::process::Command::new("pgrep")
        .args(["-f", "sleep 57.3"])
        .output();
    // Without pgrep, the time above has to suffice.
    if let Ok(left) = left {
        assert_eq!(String::from_utf8_lossy(&left.stdout), "");
    }
}

#[test]
fn time_limit_holds_after_the_output_is_closed() {
    let start = Instant::now();
    let slow = task(&[(&["sh", "-c", "exec >&-; sleep 58.3"], Some(100_000_000))]);
    assert_eq!(run(&slow), Ok(value(42, Exited::TIMED_OUT, b"")));
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn much_input_and_much_output_do_not_block_each_other() {
    let exec = Exec {
        command: vec!["cat".to_owned()],
        stdin: bytes(1, 8 << 20),
        timeout: None,
    };
    let mut child = exec
        .command()
        .stdin(exec.stdin_file().unwrap())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = Vec::new();
    std::io::Read::read_to_end(&mut child.stdout.take().unwrap(), &mut stdout).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(stdout, exec.stdin);
}

#[test]
fn missing_program_is_an_error() {
    let error = run(&task(&[(&["no-such-program-anywhere"], None)]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("no-such-program-anywhere"), "{error}");
}
