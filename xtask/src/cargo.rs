//! Cargo, called from a program that cargo may have started itself.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use serde::Deserialize;

use crate::error::Error;

/// Variables by which `cargo run` and `cargo test` describe a program's own package to it. A nested
/// cargo would hand it on to build scripts, and those that watch such a variable would run again.
const ABOUT_THIS_PROGRAM: [&str; 6] = [
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_BIN_",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "OUT_DIR",
];

/// A cargo to give arguments to: the one that started this program, else the one on the path.
///
/// The user's own settings (`RUSTFLAGS`, `CARGO_TARGET_DIR`, …) reach it; what cargo set for this
/// program does not. It reads nothing from stdin, and its stderr is the user's.
pub fn command() -> Command {
    cleaned(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A program in the user's environment, without what cargo set for this one.
pub(crate) fn cleaned(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if is_about_this_program(&name) {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

fn is_about_this_program(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        ABOUT_THIS_PROGRAM
            .iter()
            .any(|prefix| name.starts_with(prefix))
    })
}

/// The command as a user would type it.
pub fn shown(command: &Command) -> String {
    let args: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    format!("cargo {}", shell_words::join(args))
}

/// Runs it to its end with its output where this program's goes.
///
/// # Errors
/// [`Error::Failed`] if it cannot be started or does not succeed, [`Error::Interrupted`] if Ctrl-C
/// ended it.
pub fn run(command: &mut Command) -> Result<(), Error> {
    let status = command
        .status()
        .map_err(|error| not_started(command, &error))?;
    succeeded(command, status)
}

/// Runs it to its end and returns its stdout.
///
/// # Errors
/// As [`run`].
pub fn output(command: &mut Command) -> Result<Vec<u8>, Error> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| not_started(command, &error))?;
    succeeded(command, output.status)?;
    Ok(output.stdout)
}

/// The command that builds one runner package for release by itself, so that no feature is on which
/// only another package asks for. `flags` are the [compiler flags of the
/// runners](crate::rustflags).
pub fn building_runner(package: &str, flags: Option<&str>) -> Command {
    let mut build = command();
    build.args(["build", "--release", "--package", package]);
    if let Some(flags) = flags {
        build.env("CARGO_ENCODED_RUSTFLAGS", flags);
    }
    build
}

/// Builds one runner package, and returns its programs by name. Where they are is taken from
/// cargo's messages.
///
/// # Errors
/// As [`run`]; [`Error::Failed`] also if the package has no program.
pub fn build_runner(
    package: &str,
    flags: Option<&str>,
) -> Result<BTreeMap<String, PathBuf>, Error> {
    let mut build = building_runner(package, flags);
    let bins = executables(&output(
        build.arg("--message-format=json-render-diagnostics"),
    )?);
    if bins.is_empty() {
        return Err(Error::Failed(format!(
            "the package `{package}` has no program to run"
        )));
    }
    Ok(bins)
}

/// The programs among cargo's messages. Other lines, which build scripts may print, are skipped.
pub fn executables(messages: &[u8]) -> BTreeMap<String, PathBuf> {
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter_map(|message| {
            let target = message.target?;
            let executable = message.executable?;
            target
                .kind
                .iter()
                .any(|kind| kind == "bin")
                .then_some((target.name, executable))
        })
        .collect()
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

pub(crate) fn not_started(command: &Command, error: &std::io::Error) -> Error {
    Error::Failed(format!("cannot start `{}`: {error}", shown(command)))
}

pub(crate) fn succeeded(command: &Command, status: ExitStatus) -> Result<(), Error> {
    if status.success() {
        Ok(())
    } else if interrupted(status) {
        Err(Error::Interrupted)
    } else {
        Err(Error::Failed(format!(
            "`{}` failed ({status})",
            shown(command)
        )))
    }
}

/// Whether Ctrl-C ended it: cargo itself, or a program whose end cargo passed on.
pub(crate) fn interrupted(status: ExitStatus) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if status.signal() == Some(signal_hook::consts::SIGINT) {
            return true;
        }
    }
    status.code() == Some(130)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_taken_from_the_messages_of_cargo() {
        let messages = br#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"a"},"executable":null}
a build script says hello
{"reason":"compiler-artifact","target":{"kind":["custom-build"],"name":"build-script-build"},"executable":null}
{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"origin"},"executable":"/t/release/origin"}
{"reason":"compiler-artifact","target":{"kind":["example"],"name":"demo"},"executable":"/t/release/examples/demo"}
{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"workload-compare"},"executable":"/t/release/workload-compare"}
{"reason":"build-finished","success":true}
"#;
        let found = executables(messages);
        let found: Vec<_> = found
            .iter()
            .map(|(name, path)| (name.as_str(), path.to_str().unwrap()))
            .collect();
        assert_eq!(
            found,
            [
                ("origin", "/t/release/origin"),
                ("workload-compare", "/t/release/workload-compare")
            ]
        );
    }

    #[test]
    fn nested_cargo_keeps_all_but_the_variables_cargo_set() {
        for name in [
            "CARGO_MANIFEST_DIR",
            "CARGO_MANIFEST_PATH",
            "CARGO_PKG_NAME",
            "CARGO_PRIMARY_PACKAGE",
            "OUT_DIR",
        ] {
            assert!(is_about_this_program(OsStr::new(name)), "{name}");
        }
        for name in [
            "CARGO",
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_NET_OFFLINE",
            "RUSTFLAGS",
            "PATH",
        ] {
            assert!(!is_about_this_program(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn a_failure_names_the_command_and_the_status() {
        let error = run(command().args(["no such command"])).unwrap_err();
        assert!(
            matches!(&error, Error::Failed(why) if why.starts_with("`cargo 'no such command'` failed (")),
            "{error}"
        );
    }
}
