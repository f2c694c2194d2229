//! Tests that need an environment of their own. The test program runs itself again in that
//! environment, for that test only.

use std::env;
use std::path::Path;
use std::process::{Command, Output};

use super::temp_dir::TempDir;

/// The variable that is set in the inner test program.
pub(crate) const INSIDE: &str = "CHILD_PROCESS_TEST_INSIDE";

/// The environment of the inner test program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// A process of its own.
    Process,
    /// The first process of a PID namespace.
    PidOne,
    /// An unprivileged user, as the first process of a PID namespace that reuses process ids soon.
    NobodyAsPidOne,
}

/// Whether this is the inner test program.
pub(crate) fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Runs a test of this program again in that environment, and fails if it fails. Prints a message
/// if the environment is not available.
#[track_caller]
pub(crate) fn run_inside(place: Where, test: &str) {
    if let Some(reason) = obstacle(place) {
        println!("skipped: {reason}");
        return;
    }
    let dir = TempDir::new();
    let program = dir.path().join("test");
    // Copied by another process: while this one writes the copy, a child of another thread could
    // inherit the descriptor and keep the file open for writing.
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

/// Resets the last process id again and again in the background, then executes its arguments.
const FEW_IDS: &str = "(while sleep 0.05; do echo 300 >/proc/sys/kernel/ns_last_pid; done) \
                       >/dev/null 2>&1 & exec \"$@\"";

fn command(place: Where, program: &Path) -> Command {
    let mut words = Vec::new();
    match place {
        Where::Process => {}
        Where::PidOne => words.extend(UNSHARE),
        Where::NobodyAsPidOne => {
            words.extend(UNSHARE);
            words.extend(["sh", "-c", FEW_IDS, "-"]);
            words.extend(SETPRIV);
        }
    }
    words.push(program.to_str().expect("the path of a temporary directory"));
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

/// Why the environment is not available.
fn obstacle(place: Where) -> Option<String> {
    if place == Where::Process {
        return None;
    }
    let output: std::io::Result<Output> = command(place, Path::new("true")).output();
    match output {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "no PID namespace is available: {}",
            text(&output.stderr).trim()
        )),
        Err(error) => Some(format!("unshare or setpriv is not available: {error}")),
    }
}
