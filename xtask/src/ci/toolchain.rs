//! Capabilities of this machine's toolchain.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cargo;
use crate::error::Error;
use crate::packages::Packages;

/// Checks for a component, which a minimal toolchain may lack; the error says how to install it.
pub(super) fn installed(subcommand: &str, component: &str) -> Result<(), Error> {
    match answers(cargo::command().args([subcommand, "--version"])) {
        Ok(true) => Ok(()),
        Err(Error::Interrupted) => Err(Error::Interrupted),
        _ => Err(Error::Failed(format!(
            "`cargo {subcommand}` is not installed: run `rustup component add {component}`"
        ))),
    }
}

/// The reason why Miri cannot run here, if it cannot.
pub(super) fn no_miri() -> Option<String> {
    let is_there = answers(cargo::command().args(["miri", "--version"]));
    let reason = "`cargo miri` is not part of this toolchain (it comes with a nightly one)";
    (is_there != Ok(true)).then(|| reason.to_string())
}

/// The reason why fuzz targets cannot be built here, if they cannot: libFuzzer is C++, and its
/// coverage was tried on Linux with x86-64 and aarch64 only.
pub(super) fn no_fuzzing(host: &str) -> Option<String> {
    if let Some(reason) = no_sanitizer(host) {
        return Some(reason);
    }
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let is_there = answers(Command::new(&compiler).arg("--version")) == Ok(true);
    (!is_there).then(|| {
        let compiler = compiler.to_string_lossy();
        format!("libFuzzer needs a C++ compiler, and there is no `{compiler}`")
    })
}

/// The reason why AddressSanitizer cannot be used here, if it cannot.
pub(super) fn no_sanitizer(host: &str) -> Option<String> {
    let with = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];
    (!with.contains(&host)).then(|| format!("no AddressSanitizer comes with Rust for {host}"))
}

/// The target that this machine's compiler builds for.
pub(super) fn host() -> Result<String, Error> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("-vV")
        .output()
        .map_err(|error| Error::io("cannot ask rustc for its version", &error))?;
    host_in(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| Error::Failed("`rustc -vV` names no host".to_string()))
}

fn host_in(version: &str) -> Option<String> {
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_string)
}

/// The user's own flags, followed by these.
pub(super) fn flags(variable: &str, more: &str) -> String {
    let flags = env::var(variable).unwrap_or_default();
    format!("{flags} {more}").trim_start().to_string()
}

/// A rustdoc with nightly features, for doc tests only: the stable one treats `compile_fail,E…` as
/// `compile_fail`, which any error would satisfy. The libraries that doc tests link are still built
/// by the stable compiler.
pub(super) fn strict_rustdoc(packages: &Packages) -> Result<PathBuf, Error> {
    let folder = packages.target.join("ci");
    let path = folder.join("rustdoc");
    let rustdoc = env::var("RUSTDOC").unwrap_or_else(|_| "rustdoc".to_string());
    let rustdoc = shell_words::quote(&rustdoc).into_owned();
    let script = format!("#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec {rustdoc} \"$@\"\n");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, script))
        .and_then(|()| executable(&path))
        .map_err(|error| Error::io(format_args!("cannot write {}", path.display()), &error))?;
    Ok(path)
}

#[cfg(unix)]
fn executable(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &std::path::Path) -> std::io::Result<()> {
    Ok(())
}

pub(super) fn answers(command: &mut Command) -> Result<bool, Error> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match command.status() {
        Ok(status) if cargo::interrupted(status) => Err(Error::Interrupted),
        Ok(status) => Ok(status.success()),
        Err(_) => Ok(false),
    }
}

/// The value of an environment variable, or a default.
pub(super) fn seconds(variable: &str, otherwise: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| otherwise.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_component_says_how_to_get_it() {
        let error = installed("no-such-command", "some-component").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("rustup component add some-component"),
            "{error}"
        );
    }

    #[test]
    fn the_host_is_read_off_the_compiler() {
        let version =
            "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n";
        assert_eq!(
            host_in(version).as_deref(),
            Some("x86_64-unknown-linux-gnu")
        );
        assert_eq!(host_in(""), None);
        assert!(host().is_ok());
    }

    #[test]
    fn a_host_without_the_sanitizer_is_named_in_the_reason() {
        assert_eq!(no_sanitizer("x86_64-unknown-linux-gnu"), None);
        let reason = no_fuzzing("riscv64gc-unknown-linux-gnu").unwrap();
        assert!(reason.contains("riscv64gc"), "{reason}");
    }
}
