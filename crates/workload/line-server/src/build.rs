use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The variables with which cargo describes a test's own package. A nested cargo would pass them to
/// build scripts, and those that watch them would run again.
const ABOUT_THE_TEST: [&str; 6] = [
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_BIN_",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "OUT_DIR",
];

/// The kind of program to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An example of the package.
    Example,
    /// A program of the package.
    Bin,
}

/// Builds one program of a package and returns a copy of it in `folder`.
///
/// It is a copy because examples of the same name in different packages are built in the same
/// place. Concurrent calls wait for each other.
///
/// # Errors
/// If cargo cannot build it, with its messages on stderr, or the copy fails.
pub fn build(package: &str, kind: Kind, name: &str, folder: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.join("build.lock"))?;
    lock.lock()?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_string_lossy();
        if ABOUT_THE_TEST.iter().any(|about| text.starts_with(about)) {
            cargo.env_remove(&variable);
        }
    }
    let output = cargo
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(["--package", package])
        .args([kind.flag(), name])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!(
            "cargo could not build {name} of {package} ({})",
            output.status
        )));
    }
    let built = executable(&output.stdout, kind, name);
    let built = built.ok_or_else(|| io::Error::other(format!("cargo built no {name}")))?;
    let place = folder.join(format!("{package}-{name}"));
    // Copied beside it, then renamed: another test may be running the old one.
    let beside = folder.join(format!("{package}-{name}.{}", std::process::id()));
    fs::copy(built, &beside)?;
    fs::rename(&beside, &place)?;
    Ok(place)
}

impl Kind {
    fn flag(self) -> &'static str {
        match self {
            Self::Example => "--example",
            Self::Bin => "--bin",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Example => "example",
            Self::Bin => "bin",
        }
    }
}

/// The program's path in cargo's messages. Other lines, such as those that build scripts print, are
/// ignored.
fn executable(messages: &[u8], kind: Kind, name: &str) -> Option<PathBuf> {
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| {
            message["target"]["name"] == name && message["target"]["kind"][0] == kind.word()
        })
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_is_found_in_the_messages_of_cargo() {
        let messages = br#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"a"},"executable":null}
a build script says hello
{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"demo"},"executable":"/t/debug/demo"}
{"reason":"compiler-artifact","target":{"kind":["example"],"name":"demo"},"executable":"/t/debug/examples/demo"}
"#;
        let found = |kind| executable(messages, kind, "demo");
        assert_eq!(found(Kind::Bin), Some("/t/debug/demo".into()));
        assert_eq!(found(Kind::Example), Some("/t/debug/examples/demo".into()));
        assert_eq!(executable(messages, Kind::Bin, "a"), None);
    }
}
