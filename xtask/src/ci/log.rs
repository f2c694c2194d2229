//! The output of one step, collected while it runs so that parallel steps do not mix their lines.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use super::cpu;
use super::kill::kill_tree;
use crate::cargo;
use crate::error::Error;
use crate::test::{Counts, count, seconds};

/// The time limit for a command. The longest needs a few minutes on a quiet machine.
pub(super) const LONGEST: Duration = Duration::from_secs(30 * 60);

/// The output of a step, its test counts, and the CPU time of its programs.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) text: Vec<u8>,
    pub(super) counts: Counts,
    pub(super) cpu: Duration,
}

impl Log {
    /// Adds a line.
    pub(super) fn say(&mut self, line: &str) {
        self.text.extend_from_slice(line.as_bytes());
        self.text.push(b'\n');
    }

    /// Appends another log.
    pub(super) fn append(&mut self, other: Log) {
        self.text.extend(other.text);
        self.counts += other.counts;
        self.cpu += other.cpu;
    }

    /// Runs a command that must succeed.
    pub(super) fn run(&mut self, command: &mut Command) -> Result<(), Error> {
        self.run_within(LONGEST, command)
    }

    /// The same with a time limit of its own.
    pub(super) fn run_within(
        &mut self,
        limit: Duration,
        command: &mut Command,
    ) -> Result<(), Error> {
        let (status, _) = self.finish(command, limit)?;
        succeeded(command, status)
    }

    /// Runs a command that must succeed, and returns its stdout. Its stderr goes to the log.
    pub(super) fn output(&mut self, command: &mut Command) -> Result<Vec<u8>, Error> {
        let mut stdout = scratch_file()?;
        command.stdout(share(&stdout)?);
        let mut stderr = scratch_file()?;
        command.stderr(share(&stderr)?);
        let status = self.wait(command, LONGEST)?;
        self.text.extend(contents(&mut stderr)?);
        succeeded(command, status)?;
        contents(&mut stdout)
    }

    /// Runs a test program or a `cargo test`. All tests must pass.
    pub(super) fn tests(&mut self, command: &mut Command) -> Result<Counts, Error> {
        let shown = shown(command);
        self.say(&shown);
        let (status, output) = self.finish(command, LONGEST)?;
        if cargo::interrupted(status) {
            return Err(Error::Interrupted);
        }
        let counts = count(&String::from_utf8_lossy(&output), status.success());
        self.counts += counts;
        if counts.failed > 0 {
            return Err(Error::Failed(format!("`{shown}`: {counts} ({status})")));
        }
        Ok(counts)
    }

    /// The same, but at least one test must run: a setting that filters all of them out would pass
    /// too.
    pub(super) fn some_tests(&mut self, command: &mut Command) -> Result<(), Error> {
        match self.tests(command)?.passed {
            0 => Err(Error::Failed(format!("`{}` ran no test", shown(command)))),
            _ => Ok(()),
        }
    }

    /// Runs the command with its output in the log, and returns that output. At the limit it is
    /// killed with everything it started.
    fn finish(
        &mut self,
        command: &mut Command,
        limit: Duration,
    ) -> Result<(ExitStatus, Vec<u8>), Error> {
        // A file rather than a pipe, which a surviving grandchild would hold open.
        let mut file = scratch_file()?;
        command.stdout(share(&file)?).stderr(share(&file)?);
        let status = self.wait(command, limit)?;
        let output = contents(&mut file)?;
        self.text.extend_from_slice(&output);
        if !output.is_empty() && !output.ends_with(b"\n") {
            self.text.push(b'\n');
        }
        Ok((status, output))
    }

    fn wait(&mut self, command: &mut Command, limit: Duration) -> Result<ExitStatus, Error> {
        let mut child: Child =
            command
                .stdin(std::process::Stdio::null())
                .spawn()
                .map_err(|error| {
                    Error::io(format_args!("cannot start `{}`", shown(command)), &error)
                })?;
        let waiting = |error| Error::io(format_args!("waiting for `{}`", shown(command)), &error);
        if !cpu::ends_within(&mut child, limit).map_err(waiting)? {
            self.say(&format!(
                "killed, since it did not end within {}",
                seconds(limit)
            ));
            kill_tree(&mut child).map_err(waiting)?;
        }
        let (status, cpu) = cpu::wait(&mut child).map_err(waiting)?;
        self.cpu += cpu;
        Ok(status)
    }
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), Error> {
    if status.success() {
        Ok(())
    } else if cargo::interrupted(status) {
        Err(Error::Interrupted)
    } else {
        let shown = shown(command);
        Err(Error::Failed(format!("`{shown}` failed ({status})")))
    }
}

/// The command as a user would type it.
fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    if program.ends_with("cargo") {
        return cargo::shown(command);
    }
    let mut words = vec![program];
    words.extend(command.get_args().map(std::ffi::OsStr::to_string_lossy));
    shell_words::join(words)
}

fn scratch_file() -> Result<File, Error> {
    tempfile::tempfile().map_err(|error| Error::io("cannot make a temporary file", &error))
}

fn share(file: &File) -> Result<File, Error> {
    file.try_clone()
        .map_err(|error| Error::io("cannot share a temporary file", &error))
}

fn contents(file: &mut File) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.read_to_end(&mut bytes))
        .map_err(|error| Error::io("cannot read a temporary file", &error))?;
    Ok(bytes)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_are_kept_in_their_order() {
        let mut log = Log::default();
        log.run(&mut shell("echo one; echo two >&2; printf three"))
            .unwrap();
        log.say("four");
        assert_eq!(log.text, b"one\ntwo\nthree\nfour\n");
    }

    #[test]
    fn a_failed_command_keeps_its_output_and_its_status() {
        let mut log = Log::default();
        let error = log.run(&mut shell("echo why; exit 3")).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("`sh -c "), "{error}");
        assert!(error.ends_with("failed (exit status: 3)"), "{error}");
        assert_eq!(log.text, b"why\n");
        // Started in the background, these tests and their children ignore the signal.
        let mut killed = Command::new("env");
        killed.args(["--default-signal=INT", "sh", "-c", "kill -INT $$"]);
        assert_eq!(log.run(&mut killed), Err(Error::Interrupted));
    }

    #[test]
    fn a_missing_program_is_named() {
        let mut log = Log::default();
        let error = log.run(&mut Command::new("/no/such/program")).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("cannot start `/no/such/program`"),
            "{error}"
        );
    }

    #[test]
    fn tests_are_counted_and_one_that_fails_is_an_error() {
        let mut log = Log::default();
        let passed = "echo 'test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured'";
        let failed = "echo 'test result: FAILED. 2 passed; 1 failed; 0 ignored'; exit 101";
        assert_eq!(log.some_tests(&mut shell(passed)), Ok(()));
        let error = log.tests(&mut shell(failed)).unwrap_err().to_string();
        assert!(error.contains("2 passed, 1 failed"), "{error}");
        assert_eq!(log.counts.to_string(), "5 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn programs_that_crash_or_run_no_test_are_errors() {
        let mut log = Log::default();
        let none = "echo 'test result: ok. 0 passed; 0 failed; 0 ignored'";
        let error = log.some_tests(&mut shell(none)).unwrap_err().to_string();
        assert!(error.contains("ran no test"), "{error}");
        assert!(log.tests(&mut shell("kill -SEGV $$")).is_err());
        assert_eq!(log.counts.failed, 1);
    }

    #[test]
    fn a_program_that_hangs_is_killed_and_is_a_failure() {
        let mut log = Log::default();
        let limit = Duration::from_millis(50);
        let (status, output) = log
            .finish(&mut shell("echo here; exec sleep 60"), limit)
            .unwrap();
        assert!(!status.success());
        assert!(output.is_empty() || output == b"here\n");
        let text = String::from_utf8(log.text).unwrap();
        assert!(text.contains("did not end within 0.1 s"), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn grandchildren_of_a_hung_command_are_killed_too() {
        // A session of its own is out of reach of a signal to the group.
        let mut command = shell("setsid sleep 600 & echo $!; wait");
        let mut pid = String::new();
        for seconds in [1, 10, 60] {
            let mut log = Log::default();
            let limit = Duration::from_secs(seconds);
            let (status, output) = log.finish(&mut command, limit).unwrap();
            assert!(!status.success());
            pid = String::from_utf8(output).unwrap().trim().to_owned();
            // On a busy machine the shell may not have got that far.
            if !pid.is_empty() {
                break;
            }
        }
        assert!(!pid.is_empty());
        let state = || std::fs::read_to_string(format!("/proc/{pid}/stat"));
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while state().is_ok_and(|stat| !stat.contains(") Z")) {
            assert!(std::time::Instant::now() < deadline, "{pid} is alive");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_grandchild_that_lives_on_does_not_hold_up_the_step() {
        let mut log = Log::default();
        let mut command = shell("sleep 60 & echo $!");
        log.run(&mut command).unwrap();
        let pid = String::from_utf8(log.text).unwrap();
        Command::new("kill").arg(pid.trim()).status().unwrap();
    }
}
