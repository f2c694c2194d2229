//! Tests that need surroundings of their own: the test program is run again in them, for that test
//! alone.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Set in the program that is run again.
const INSIDE: &str = "CHILD_PROCESS_TEST_INSIDE";

/// Where to run a test again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// In a process of its own.
    Process,
    /// As the first process of a PID namespace.
    PidOne,
    /// As a user without rights, and as the first process of a PID namespace in which numbers of
    /// processes are used again soon.
    NobodyAsPidOne,
}

/// Whether this is the program that was run again.
pub(crate) fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Runs a test of this program again in these surroundings, and fails if it fails. Says so if it
/// cannot be run in them.
#[track_caller]
pub(crate) fn run_inside(place: Where, test: &str) {
    if let Some(reason) = obstacle(place) {
        println!("skipped: {reason}");
        return;
    }
    let folder = Folder::new();
    let program = folder.0.join("test");
    // By another process: while this one had the copy open, a child of another thread could hold it
    // open for writing.
    let copied = Command::new("cp")
        .arg(env::current_exe().expect("this program"))
        .arg(&program)
        .status();
    assert!(copied.expect("cp").success());
    let output = command(place, &program)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .expect("it runs");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}: {out}{err}", output.status);
    assert!(out.contains("1 passed"), "{out}{err}");
    print!("{out}{err}");
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

const UNSHARE: [&str; 3] = ["unshare", "-pf", "--mount-proc"];
const SETPRIV: [&str; 4] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
];

/// Sets the last number of a process back time and again, then becomes the program.
const FEW_NUMBERS: &str = "(while sleep 0.05; do echo 300 >/proc/sys/kernel/ns_last_pid; done) \
                           >/dev/null 2>&1 & exec \"$@\"";

fn command(place: Where, program: &Path) -> Command {
    let mut words = Vec::new();
    match place {
        Where::Process => {}
        Where::PidOne => words.extend(UNSHARE),
        Where::NobodyAsPidOne => {
            words.extend(UNSHARE);
            words.extend(["sh", "-c", FEW_NUMBERS, "-"]);
            words.extend(SETPRIV);
        }
    }
    words.push(program.to_str().expect("a path of a temporary folder"));
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

/// Why the test cannot be run there.
fn obstacle(place: Where) -> Option<String> {
    if place == Where::Process {
        return None;
    }
    let output: std::io::Result<Output> = command(place, Path::new("true")).output();
    match output {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "no PID namespace here: {}",
            text(&output.stderr).trim()
        )),
        Err(error) => Some(format!("no unshare or setpriv here: {error}")),
    }
}

/// A folder that every user may read.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let made = Command::new("mktemp").arg("-d").output().expect("mktemp");
        let path = PathBuf::from(text(&made.stdout).trim());
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
