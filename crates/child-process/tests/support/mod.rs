//! Helpers shared by the tests.
#![allow(
    dead_code,
    reason = "each test program uses its own part of this module"
)]

pub(crate) mod fault;
pub(crate) mod holdings;
pub(crate) mod inside;
pub(crate) mod mark;
pub(crate) mod random;
pub(crate) mod temp_dir;

use std::fs;
use std::panic;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Error};

/// Runs a test on its own thread. If the test hangs, the whole test program fails.
pub(crate) fn within(limit: Duration, test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::Builder::new()
        .name("test".to_owned())
        .spawn(move || {
            test();
            let _ = done.send(());
        })
        .expect("a thread starts");
    match ended.recv_timeout(limit) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the test hangs"),
        _ => {
            if let Err(payload) = thread.join() {
                panic::resume_unwind(payload);
            }
        }
    }
}

/// A shell script.
pub(crate) fn sh(script: &str) -> Command {
    Command::new("sh").arg("-c").arg(script)
}

/// Calls `run` with growing time limits until `far_enough` holds, since a busy machine needs
/// longer.
#[track_caller]
pub(crate) fn with_enough_time<T>(
    limit: Duration,
    run: impl Fn(Duration) -> T,
    far_enough: impl Fn(&T) -> bool,
) -> T {
    [1, 5, 25, 100]
        .into_iter()
        .map(|factor| run(limit * factor))
        .find(far_enough)
        .expect("it gets far enough within a hundred times its limit")
}

/// Ends a command by a time limit, but not before it has written `said`.
#[track_caller]
pub(crate) fn time_out_after(said: &[u8], limit: Duration, command: &Command) -> Error {
    with_enough_time(
        limit,
        |limit| command.clone().time_limit(limit).run().unwrap_err(),
        |error| {
            let finished = error.finished().unwrap_or_else(|| panic!("{error}"));
            error.is_timeout() && finished.stdout.starts_with(said)
        },
    )
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < patience, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The state and the parent of a process, from `/proc/PID/stat`.
pub(crate) fn state_and_parent(id: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

/// Waits until the process is a zombie, without looking at it through the crate.
#[track_caller]
pub(crate) fn wait_for_zombie(id: u32) {
    eventually("it is a zombie", || {
        state_and_parent(id).is_some_and(|(state, _)| state == 'Z')
    });
}

/// The ids of all processes.
pub(crate) fn all_processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether a program is installed; prints a message if it is not.
pub(crate) fn has(program: &str) -> bool {
    let installed = std::process::Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !installed {
        println!("skipped: {program} is not installed");
    }
    installed
}
