//! Running a test again in a process of its own: as another user, as PID 1, or where it may spoil its process.

use std::env;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Set in the process that runs the test proper.
const INNER: &str = "PROCESS_POOL_TEST_INNER";
/// How long the inner process may take, beside what a soak takes.
const LIMIT: Duration = Duration::from_secs(90);

/// Runs as the user and group that own nothing.
pub(crate) const AS_NOBODY: &[&str] = &[
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
];
/// Runs as the first process of a PID namespace.
pub(crate) const AS_PID_1: &[&str] =
    &["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

/// Whether this is the process that runs the test proper.
pub(crate) fn is_inner() -> bool {
    env::var_os(INNER).is_some()
}

/// The command that runs the test of this name again. The launcher stands in front of it. `None`, with the reason printed,
/// where the launcher does not work.
pub(crate) fn command(name: &str, launcher: &[&str]) -> Option<(Command, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Other users may not be able to reach the target folder.
    let program = folder.path().join("test");
    fs::copy("/proc/self/exe", &program).unwrap();
    let mut command = match launcher {
        [] => Command::new(&program),
        [first, rest @ ..] => {
            let works = Command::new(first)
                .args(rest)
                .arg("true")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if !works.is_ok_and(|status| status.success()) {
                eprintln!(
                    "skipped {name}: `{}` does not work here",
                    launcher.join(" ")
                );
                return None;
            }
            let mut command = Command::new(first);
            command.args(rest).arg(&program);
            command
        }
    };
    command
        .args([name, "--exact", "--nocapture", "--include-ignored"])
        .env(INNER, "1")
        .current_dir(folder.path())
        .stdin(Stdio::null());
    Some((command, folder))
}

/// Runs the test of this name again, and asserts that it passes. Returns what it printed, or `None` if it was skipped.
#[track_caller]
pub(crate) fn passes(name: &str, launcher: &[&str]) -> Option<String> {
    passes_within(name, launcher, LIMIT)
}

#[track_caller]
pub(crate) fn passes_within(name: &str, launcher: &[&str], limit: Duration) -> Option<String> {
    // Other tests count what this process has.
    let _turn = super::alone();
    let (mut command, _folder) = command(name, launcher)?;
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let readers = [
        child.stdout.take().map(reader).unwrap(),
        child.stderr.take().map(reader).unwrap(),
    ];
    let is_over = ends_within(&mut child, limit);
    if !is_over {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let [stdout, stderr] = readers.map(|reader| reader.join().unwrap());
    assert!(
        is_over && status.success(),
        "{name} under {launcher:?}: {status}, ended by itself: {is_over}\n{stdout}\n{stderr}"
    );
    Some(stdout)
}

fn reader(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Whether the child ends by itself within that time.
pub(crate) fn ends_within(child: &mut Child, limit: Duration) -> bool {
    let until = Instant::now() + limit;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() >= until {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}
