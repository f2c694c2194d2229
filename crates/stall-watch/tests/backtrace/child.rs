//! A test that runs itself again in a child process: for faults that would kill the test runner.

use std::env;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const MARK: &str = "STALL_WATCH_TEST_CHILD";

/// A healthy child needs seconds. One that is deadlocked is killed after this.
const LONG: Duration = Duration::from_secs(250);

/// How a child ended, and what it printed.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) printed: String,
}

/// Runs `body` in a child process and fails if the child dies, hangs or fails. `name` is the full
/// name of the calling test.
#[track_caller]
pub(crate) fn in_child(name: &str, body: impl FnOnce()) {
    let Some(ended) = end_of_child(name, body) else {
        return;
    };
    let (status, printed) = (ended.status, ended.printed);
    assert!(status.success(), "{status}\n{printed}");
    assert!(printed.contains("1 passed"), "no such test?\n{printed}");
}

/// Runs `body` in a child process and returns how that ended. `None` inside the child.
#[track_caller]
pub(crate) fn end_of_child(name: &str, body: impl FnOnce()) -> Option<Ended> {
    if env::var_os(MARK).is_some_and(|mark| mark == name) {
        body();
        return None;
    }
    let mut child = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(MARK, name)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = read(child.stdout.take().unwrap());
    let errors = read(child.stderr.take().unwrap());
    let status = wait(&mut child);
    let printed = output.join().unwrap() + &errors.join().unwrap();
    let status = status.unwrap_or_else(|| panic!("{name} hangs\n{printed}"));
    Some(Ended { status, printed })
}

fn read(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Kills the child and returns `None` if it does not end in time.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if start.elapsed() > LONG {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}
