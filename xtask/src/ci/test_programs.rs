//! Test programs: built together by one call of cargo, each run in the folder of its package.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::in_workspace;
use super::log::Log;
use crate::cargo;
use crate::error::Error;
use crate::packages::Packages;

/// One test program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    /// The source of its target, such as `tests/map.rs`.
    source: PathBuf,
    path: PathBuf,
    folder: PathBuf,
    package: String,
}

/// The test programs by package name.
pub(super) type Programs = BTreeMap<String, Vec<Program>>;

/// Builds the tests of these packages. They share dependencies, with the union of their features.
/// The picks and the runners are built one by one, and so show that each package works without the
/// features of others.
pub(super) fn build(
    packages: &Packages,
    log: &mut Log,
    names: &[String],
) -> Result<Programs, Error> {
    let mut command = in_workspace(packages);
    command
        .args(["test", "--no-run", "--tests", "--all-features"])
        .arg("--message-format=json-render-diagnostics");
    for name in names {
        command.args(["--package", name]);
    }
    let messages = log.output(&mut command)?;
    let members = packages.members.iter();
    let folders = members.map(|member| (packages.root.join(&member.folder), member.name.clone()));
    let programs = programs(&messages, &folders.collect());
    let built: usize = programs.values().map(Vec::len).sum();
    log.say(&format!("{built} test programs"));
    Ok(programs)
}

/// Runs all tests of one package except its soak. Goes on after a program that fails, to report all
/// failures at once.
pub(super) fn run(log: &mut Log, programs: &[Program]) -> Result<(), Error> {
    let mut failed = Vec::new();
    for program in programs.iter().filter(|program| !program.is_soak()) {
        let result = log.tests(&mut program.command());
        match result {
            Ok(_) => {}
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => failed.push(error.to_string()),
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Error::Failed(failed.join("; ")))
}

impl Program {
    pub(super) fn is_soak(&self) -> bool {
        self.is_of("tests/soak.rs")
    }

    /// Whether its source is this one, in the folder of its package.
    pub(super) fn is_of(&self, source: &str) -> bool {
        self.source.ends_with(source)
    }

    pub(super) fn command(&self) -> std::process::Command {
        let mut command = cargo::cleaned(&self.path);
        // Set as cargo does. Cargo also sets many variables that no test here reads.
        command
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("CARGO_PKG_NAME", &self.package)
            // A snapshot that differs fails its test and is not written.
            .env("INSTA_UPDATE", "no");
        command
    }
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    src_path: PathBuf,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The test programs in cargo's messages. Other lines, which build scripts may print, are skipped.
fn programs(messages: &[u8], folders: &BTreeMap<PathBuf, String>) -> Programs {
    let mut programs = Programs::new();
    for line in messages.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Message>(line) else {
            continue;
        };
        let is_test = message.profile.is_some_and(|profile| profile.test);
        if message.reason != "compiler-artifact" || !is_test {
            continue;
        }
        let (Some(manifest), Some(target), Some(path)) =
            (message.manifest_path, message.target, message.executable)
        else {
            continue;
        };
        let folder = manifest.parent().unwrap_or(Path::new("."));
        if let Some(package) = folders.get(folder) {
            let of_package = programs.entry(package.clone()).or_default();
            of_package.push(Program {
                source: target.src_path,
                path,
                folder: folder.to_path_buf(),
                package: package.clone(),
            });
        }
    }
    for of_package in programs.values_mut() {
        of_package.sort_by(|one, other| one.source.cmp(&other.source));
    }
    programs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_tests_are_taken_from_the_messages_of_cargo() {
        let messages = br#"{"reason":"compiler-artifact","manifest_path":"/w/a/Cargo.toml","target":{"src_path":"/w/a/src/lib.rs"},"profile":{"test":false},"executable":null}
{"reason":"compiler-artifact","manifest_path":"/w/a/Cargo.toml","target":{"src_path":"/w/a/tests/soak.rs"},"profile":{"test":true},"executable":"/t/debug/deps/soak-1"}
a build script says hello
{"reason":"compiler-artifact","manifest_path":"/w/a/Cargo.toml","target":{"src_path":"/w/a/src/lib.rs"},"profile":{"test":true},"executable":"/t/debug/deps/a-1"}
{"reason":"compiler-artifact","manifest_path":"/w/a/Cargo.toml","target":{"src_path":"/w/a/src/main.rs"},"profile":{"test":false},"executable":"/t/debug/a"}
{"reason":"compiler-artifact","manifest_path":"/cargo/dep/Cargo.toml","target":{"src_path":"/cargo/dep/src/lib.rs"},"profile":{"test":true},"executable":"/t/debug/deps/dep-1"}
{"reason":"build-finished","success":true}
"#;
        let folders = BTreeMap::from([("/w/a".into(), "a".to_string())]);
        let programs = programs(messages, &folders);
        assert_eq!(programs.keys().collect::<Vec<_>>(), ["a"]);
        let paths: Vec<_> = programs["a"]
            .iter()
            .map(|program| (program.path.to_str().unwrap(), program.is_soak()))
            .collect();
        assert_eq!(
            paths,
            [("/t/debug/deps/a-1", false), ("/t/debug/deps/soak-1", true)]
        );
        assert_eq!(
            programs["a"][0].command().get_current_dir(),
            Some(Path::new("/w/a"))
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_fails_does_not_hide_the_next() {
        let program = |path: &str| Program {
            source: path.into(),
            path: path.into(),
            folder: "/".into(),
            package: "a".to_string(),
        };
        let programs = ["false", "true", "false"].map(program);
        let mut log = Log::default();
        let error = run(&mut log, &programs).unwrap_err();
        assert_eq!(error.to_string().matches("`false`").count(), 2, "{error}");
        assert_eq!(log.counts.failed, 2);
    }
}
