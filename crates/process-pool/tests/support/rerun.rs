//! Running a test again in a process of its own: as another user, as PID 1, or because it changes
//! its process.

use std::any::type_name;
use std::env;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use super::checks::{alone, deadline};

/// Set in the process that runs the actual test.
const INNER: &str = "PROCESS_POOL_TEST_INNER";
/// The time limit of the inner process, except in a soak.
const LIMIT: Duration = Duration::from_secs(90);

/// Runs as a user that owns nothing and has no other process: the kernel counts descriptors in
/// flight per user, so two test programs with one user would disturb each other.
pub(crate) fn as_lone_user() -> &'static [&'static str] {
    static LAUNCHER: OnceLock<[&str; 4]> = OnceLock::new();
    LAUNCHER.get_or_init(|| {
        let user = 20_000 + std::process::id() % 40_000;
        [
            "setpriv",
            format!("--reuid={user}").leak(),
            "--regid=65534",
            "--clear-groups",
        ]
    })
}

/// Runs as the first process of a PID namespace.
pub(crate) const AS_PID_1: &[&str] =
    &["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

/// Whether this process runs the actual test.
pub(crate) fn is_inner() -> bool {
    env::var_os(INNER).is_some()
}

/// The deadline of `test` if this process runs it. If not, another process has just run it behind
/// the launcher, and it passed there or was skipped.
#[track_caller]
pub(crate) fn inner<T: Fn()>(_test: T, launcher: &[&str]) -> Option<Sender<()>> {
    if is_inner() {
        return Some(deadline(80));
    }
    let (_program, name) = type_name::<T>().split_once("::").unwrap();
    passes(name, launcher);
    None
}

/// The command that runs the test of this name again, behind the launcher. `None`, with the reason
/// printed, if the launcher does not work.
pub(crate) fn command(name: &str, launcher: &[&str]) -> Option<(Command, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Other users may have no access to the target folder.
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

/// Runs the test of this name again, and asserts that it passes. Returns its output, or `None` if
/// it was skipped.
#[track_caller]
pub(crate) fn passes(name: &str, launcher: &[&str]) -> Option<String> {
    passes_within(name, launcher, LIMIT)
}

#[track_caller]
pub(crate) fn passes_within(name: &str, launcher: &[&str], limit: Duration) -> Option<String> {
    // Other tests count the resources of this process.
    let _exclusive = alone();
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

/// Whether the child ends by itself within the limit.
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
