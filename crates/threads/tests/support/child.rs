//! Tests in a process of their own: this test program, started again for a single test.
//!
//! For tests that lower a limit of the process.
#![allow(dead_code, reason = "a test may need one of these")]

use std::env;
use std::process::{self, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Set in the child.
const MARKER: &str = "TEST_CHILD";

/// The exit code of a child that ran `body`. A child that finds no test of that name exits with 0.
const DONE: i32 = 42;

/// Runs `body` in a child process, and fails if it does not end in time. `test` is the name of the
/// calling test.
pub(crate) fn in_a_child(test: &str, body: impl FnOnce()) {
    in_a_child_with_stacks(test, 2 << 20, body);
}

/// [`in_a_child`] where std gives each thread a stack of that many bytes by default.
pub(crate) fn in_a_child_with_stacks(test: &str, bytes: usize, body: impl FnOnce()) {
    if env::var_os(MARKER).is_some() {
        body();
        process::exit(DONE);
    }
    // One at a time: the limit of threads applies per user, so two children would share it.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut child = Command::new(env::current_exe().expect("the test knows its program"))
        .args(["--exact", test, "--nocapture"])
        .env(MARKER, "1")
        .env("RUST_MIN_STACK", bytes.to_string())
        .stdin(Stdio::null())
        .spawn()
        .expect("the test program starts again");
    let deadline = Instant::now() + Duration::from_secs(60);
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().expect("the child can be killed");
            child.wait().expect("the child can be waited for");
            panic!("the child hangs");
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(DONE), "{status}");
}

/// Lowers the soft limit of a resource.
pub(crate) fn lower(resource: Resource, soft: u64) {
    let limit = Rlimit {
        current: Some(soft),
        ..getrlimit(resource)
    };
    setrlimit(resource, limit).expect("a soft limit can be lowered");
}
