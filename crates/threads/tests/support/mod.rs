//! Cases in processes of their own. Limits belong to a process, so each case runs in one: this very program, started again
//! for one test and told so by an environment variable.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]

use std::env;
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const MARKER: &str = "THREADS_TEST_CHILD";

/// How the child says that the body ran to its end. A child that found no test of that name would exit with 0.
const DONE: i32 = 42;

/// Run `body` in a child process, which must get to its end in time. One at a time: the limit of
/// threads applies per user, so for an ordinary user two such children would share it.
pub fn in_a_child(test: &str, body: impl FnOnce()) {
    if env::var_os(MARKER).is_some() {
        body();
        process::exit(DONE);
    }
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut child = Command::new(env::current_exe().expect("the test knows its program"))
        .args(["--exact", test, "--nocapture"])
        .env(MARKER, "1")
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

pub fn lower(resource: Resource, soft: u64) {
    let limit = Rlimit {
        current: Some(soft),
        ..getrlimit(resource)
    };
    setrlimit(resource, limit).expect("a soft limit can be lowered");
}

/// Counts what runs at once.
#[derive(Default)]
pub struct Gauge {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Gauge {
    pub fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(now, Ordering::SeqCst);
        let result = work();
        self.now.fetch_sub(1, Ordering::SeqCst);
        result
    }

    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }
}
