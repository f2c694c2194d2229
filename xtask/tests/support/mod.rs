//! A comparison run as a user runs it, in a folder of its own and with an end.

// Each test program uses its own part of this.
#![allow(dead_code)]

pub(crate) mod program;

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;
use xtask::results::{self, Cell, Results};

/// Nothing here takes nearly as long, unless something hangs. A cold build of the runners fits in.
const LONGEST: Duration = Duration::from_secs(300);

/// How often to look whether a process has ended.
const SLICE: Duration = Duration::from_millis(5);

/// The working folder in the output folder.
pub(crate) const WORK: &str = ".cargo-xtask-compare";

/// A workload that takes half a millisecond.
pub(crate) const TINY: &str = r#"
name = "tiny"
pattern = "map"
tasks = 5
seed = 3
[[step]]
compute = "100us"
"#;

/// A comparison to be run.
pub(crate) struct Comparison {
    folder: TempDir,
    args: Vec<OsString>,
    envs: Vec<(&'static str, OsString)>,
    tag: String,
}

impl Comparison {
    /// `cargo xtask compare` with an output folder and a lock of its own.
    pub(crate) fn new() -> Comparison {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let folder = TempDir::new().expect("a folder");
        let output = folder.path().join("out");
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        Comparison {
            args: ["compare".into(), "--output".into(), output.into()].into(),
            envs: Vec::new(),
            tag: format!("tag-{}-{next}-", std::process::id()),
            folder,
        }
    }

    /// `cargo xtask calibrate` instead, in the same way.
    pub(crate) fn calibration() -> Comparison {
        Comparison::command("calibrate")
    }

    /// This command of `cargo xtask` instead, in the same way.
    pub(crate) fn command(name: &str) -> Comparison {
        let mut command = Comparison::new();
        command.args[0] = name.into();
        command
    }

    /// The tiny workload, `sequential` only, one sample each and no calibration.
    pub(crate) fn tiny() -> Comparison {
        Comparison::quick(TINY)
    }

    /// The same with this workload.
    pub(crate) fn quick(workload: &str) -> Comparison {
        Comparison::new()
            .workload(workload)
            .args(["--model", "sequential", "--iterations-per-us", "100"])
            .args(["--budget", "0s"])
    }

    /// More arguments; a flag given twice counts twice.
    pub(crate) fn args<A: Into<OsString>>(
        mut self,
        args: impl IntoIterator<Item = A>,
    ) -> Comparison {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// A variable in its environment.
    pub(crate) fn env(mut self, name: &'static str, value: OsString) -> Comparison {
        self.envs.push((name, value));
        self
    }

    /// Another budget than the one given before.
    pub(crate) fn budget(self, budget: &str) -> Comparison {
        self.instead("--budget", budget.into())
    }

    /// Another output folder than its own.
    pub(crate) fn output(self, folder: OsString) -> Comparison {
        self.instead("--output", folder)
    }

    fn instead(mut self, flag: &str, value: OsString) -> Comparison {
        let at = self.args.iter().position(|arg| arg == flag);
        self.args[at.expect("the flag was given") + 1] = value;
        self
    }

    /// A workload file with this text.
    pub(crate) fn workload(self, text: &str) -> Comparison {
        let path = self.file("workload.toml", text);
        self.args(["--workload-file".into(), path.into_os_string()])
    }

    /// A contestant; its command should hold [`tag`](Comparison::tag).
    pub(crate) fn runner(self, name: &str, command: &[&str]) -> Comparison {
        let command = shell_words::join(command);
        self.args(["--runner".to_owned(), format!("{name}={command}")])
    }

    /// Writes a file into the folder of this comparison.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("the file is written");
        path
    }

    /// Writes an executable shell script into the folder of this comparison.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name, &format!("#!/bin/sh\n{text}\n"));
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, mode).expect("it is ours");
        path
    }

    /// A path in the folder of this comparison.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A text that no other process has on its command line.
    pub(crate) fn tag(&self) -> String {
        self.tag.clone()
    }

    /// Starts it.
    pub(crate) fn start(self) -> Running {
        let file = |name: &str| File::create(self.path(name)).expect("a file for the output");
        let mut command = program::xtask();
        command
            .args(&self.args)
            .envs(self.envs.iter().cloned())
            .env("TMPDIR", self.folder.path())
            .process_group(0)
            .stdout(file("stdout"))
            .stderr(file("stderr"));
        let child = command.spawn().expect("xtask starts");
        Running {
            child,
            comparison: self,
            start: Instant::now(),
        }
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Finished {
        self.start().finish()
    }
}

/// A comparison under way. Dropping it kills what can be found of it.
pub(crate) struct Running {
    child: Child,
    comparison: Comparison,
    start: Instant,
}

impl Running {
    /// Its folder and tag.
    pub(crate) fn comparison(&self) -> &Comparison {
        &self.comparison
    }

    /// Its id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to it alone, not to its group: what a terminal sends to the others is not
    /// what ends them.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(pid(self.child.id()), signal).expect("it is alive");
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Finished {
        let mut status = None;
        wait_until("the end of the comparison", || {
            status = self.child.try_wait().expect("it is our child");
            status.is_some()
        });
        let read = |name: &str| {
            let bytes = fs::read(self.comparison.path(name)).expect("its output");
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let output = self.comparison.path("out");
        Finished {
            status: status.expect("it has ended"),
            took: self.start.elapsed(),
            stdout: read("stdout"),
            stderr: read("stderr"),
            results: output.join("results.json"),
            work: output.join(WORK),
            left: processes_with(&self.comparison.tag),
            _running: self,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process_group(pid(self.child.id()), Signal::KILL);
            let _ = self.child.wait();
        }
        for process in processes_with(&self.comparison.tag) {
            let _ = kill_process(pid(process), Signal::KILL);
        }
    }
}

/// A comparison that has ended.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) took: Duration,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Where its results should be.
    pub(crate) results: PathBuf,
    /// Where its working files were.
    pub(crate) work: PathBuf,
    /// The processes with its tag that were alive when it had ended.
    pub(crate) left: Vec<u32>,
    _running: Running,
}

impl Finished {
    /// The exit status; fails if a signal ended it.
    #[track_caller]
    pub(crate) fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| panic!("{}: {}", self.status, self.stderr))
    }

    /// Its results, which must be there and readable.
    #[track_caller]
    pub(crate) fn results(&self) -> Results {
        results::read(&self.results).unwrap_or_else(|why| panic!("{why}\n{}", self.stderr))
    }

    /// Exit status 2, one line on stderr that has each of the words, and nothing left.
    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str]) {
        assert_eq!(self.code(), 2, "{}", self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert_eq!(self.stdout, "");
        for word in words {
            assert!(
                self.stderr.contains(word),
                "no {word:?} in: {}",
                self.stderr
            );
        }
        self.nothing_left();
        assert!(!self.results.exists(), "{}", self.results.display());
    }

    /// No process and no working folder is left.
    #[track_caller]
    pub(crate) fn nothing_left(&self) {
        assert!(
            self.left.is_empty(),
            "{:?} are left\n{}",
            self.left,
            self.stderr
        );
        assert!(!self.work.exists(), "{}", self.work.display());
    }
}

/// The cell of a model.
#[track_caller]
pub(crate) fn cell<'r>(results: &'r Results, model: &str) -> &'r Cell {
    let mut found = results.cells.iter().filter(|cell| cell.model == model);
    let cell = found
        .next()
        .unwrap_or_else(|| panic!("no cell of {model} in {results:#?}"));
    assert!(found.next().is_none(), "two cells of {model}");
    cell
}

/// Measured, right, and without a fault.
#[track_caller]
pub(crate) fn verified(results: &Results, model: &str) {
    let cell = cell(results, model);
    assert_eq!(cell.error, None, "{model}");
    assert!(cell.verified && !cell.samples.is_empty(), "{cell:#?}");
    assert!(cell.wall_ns.is_some() && cell.rank.is_some(), "{cell:#?}");
}

/// Waits for something that must come.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONGEST;
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not come");
        sleep(SLICE);
    }
}

/// The living processes on whose command line the text stands, this one left out.
pub(crate) fn processes_with(text: &str) -> Vec<u32> {
    let own = std::process::id();
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|process| *process != own)
        // One that has ended and is not yet waited for has an empty command line.
        .filter(|process| contains(&PathBuf::from(format!("/proc/{process}/cmdline")), text))
        .collect()
}

/// Whether a shell with this text on its command line runs. By its name: between fork and exec, a
/// child of the comparison has the comparison's command line.
pub(crate) fn shell_runs(text: &str) -> bool {
    processes_with(text)
        .iter()
        .any(|process| contains(&PathBuf::from(format!("/proc/{process}/comm")), "sh\n"))
}

fn contains(path: &Path, text: &str) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).contains(text)
}

fn pid(raw: u32) -> Pid {
    Pid::from_raw(raw.cast_signed()).expect("an id is not 0")
}
