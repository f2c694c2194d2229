//! What happens when the system refuses a pool its threads. The limit belongs to a process, so the case runs in one of
//! its own: this very program, started again and told so by an environment variable.
#![cfg(target_os = "linux")]

use std::env;
use std::fs;
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use effective_data_parallel::{ConfigError, DataParallel};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const MARKER: &str = "DATA_PARALLEL_TEST_CHILD";
/// How the child says that it ran to its end. A child that found no test of that name would exit with 0.
const DONE: i32 = 42;

#[test]
fn fault_7_a_pool_that_is_refused_a_thread_is_an_error_and_leaves_none_behind() {
    if env::var_os(MARKER).is_some() {
        refuse();
        process::exit(DONE);
    }
    let mut child = Command::new(env::current_exe().expect("the test knows its program"))
        .args([
            "--exact",
            "fault_7_a_pool_that_is_refused_a_thread_is_an_error_and_leaves_none_behind",
            "--nocapture",
        ])
        .env(MARKER, "1")
        // Stacks so large that a refusal leaves plenty over for a thread that still starts: one that gets no memory
        // would abort the process.
        .env("RUST_MIN_STACK", (256 << 20).to_string())
        .stdin(Stdio::null())
        .spawn()
        .expect("the test program starts again");
    let deadline = Instant::now() + Duration::from_secs(30);
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

fn refuse() {
    let threads = || {
        fs::read_dir("/proc/self/task")
            .expect("Linux lists the threads of a process")
            .count()
    };
    let before = threads();
    let limit = Rlimit {
        current: Some(2 << 30),
        ..getrlimit(Resource::As)
    };
    setrlimit(Resource::As, limit).expect("a soft limit can be lowered");

    let error = DataParallel::new()
        .workers(64)
        .expect_err("64 such stacks do not fit");
    assert!(matches!(error, ConfigError::Refused(_)), "{error}");
    assert!(error.to_string().contains("fewer workers"), "{error}");

    let patience = Instant::now() + Duration::from_secs(30);
    while threads() > before {
        assert!(Instant::now() < patience, "threads are left behind");
        thread::sleep(Duration::from_millis(1));
    }
    // What was taken has been given back.
    let results = DataParallel::new()
        .workers(2)
        .expect("two fit")
        .map(&[1, 2], |n| n + 1);
    assert!(matches!(results[..], [Ok(2), Ok(3)]), "{results:?}");
}
