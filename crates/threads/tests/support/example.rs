//! An example in a process of its own: the test program, started again, runs the example instead of
//! its tests. So it has the arguments, the exit status and the output of a program, in whatever way
//! the tests were built.
//!
//! Several crates link this file.
#![allow(dead_code, reason = "a test program may need a part of it")]

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any example takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// The test that becomes the example, by this name in the root of each test program.
const TEST: &str = "example_succeeds_with_its_defaults";

/// How the test program prefaces the output of its only test.
const PREFACE: &str = "\nrunning 1 test\n";

/// The number of arguments, which are variables of this name and their index.
const COUNT: &str = "EXAMPLE_ARGUMENTS";

/// The body of the test `example_succeeds_with_its_defaults`. In a process that `start` has started
/// it becomes the example and does not return.
pub(crate) fn become_or_check(example: fn(&[OsString]) -> u8) {
    if let Some(count) = env::var_os(COUNT) {
        let count: usize = count.to_str().and_then(|text| text.parse().ok()).unwrap();
        let arguments: Vec<OsString> = (0..count)
            .map(|index| env::var_os(format!("{COUNT}_{index}")).unwrap())
            .collect();
        process::exit(example(&arguments).into());
    }
    let ended = run(&[] as &[&str]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_ne!(ended.stdout, "");
}

/// How an example ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the example to its end, with an empty standard input.
#[track_caller]
pub(crate) fn run(arguments: &[impl AsRef<OsStr>]) -> Ended {
    start(arguments).end()
}

/// Asserts that the example refuses these arguments with one line on standard error that contains
/// `why`, and status 2.
#[track_caller]
pub(crate) fn refuses(arguments: &[&str], why: &str) {
    let ended = run(arguments);
    assert_eq!(
        (ended.status, ended.stdout.as_str()),
        (Some(2), ""),
        "{ended:?}"
    );
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert!(lines.len() == 1 && lines[0].contains(why), "{ended:?}");
}

/// Starts the example.
#[track_caller]
pub(crate) fn start(arguments: &[impl AsRef<OsStr>]) -> Running {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        // With one thread the test program would print the name of the test as well.
        .args(["--exact", TEST, "--nocapture", "--test-threads=2"])
        .env(COUNT, arguments.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (index, argument) in arguments.iter().enumerate() {
        command.env(format!("{COUNT}_{index}"), argument);
    }
    let mut child = command.spawn().unwrap();
    Running {
        stdin: child.stdin.take(),
        stdout: Text::read(child.stdout.take().unwrap()),
        stderr: Text::read(child.stderr.take().unwrap()),
        deadline: Instant::now() + PATIENCE,
        child,
    }
}

/// A running example. Dropping it kills it.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Arc<Text>,
    stderr: Arc<Text>,
    deadline: Instant,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    #[track_caller]
    pub(crate) fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("it is not closed");
        stdin.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// The first line of standard output that starts with `start`, once it is complete.
    #[track_caller]
    pub(crate) fn line(&self, start: &str) -> String {
        let found = self.stdout.wait(self.deadline, |text| {
            let mut complete = text
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'));
            let line = complete.find(|line| line.starts_with(start))?;
            Some(line.trim_end().to_owned())
        });
        found.unwrap_or_else(|| panic!("no line {start:?}...: {:?}", self.stdout.now()))
    }

    /// Closes standard input and waits for the end of the example.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        self.close_stdin();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                Instant::now() < self.deadline,
                "it hangs: {:?}",
                self.stdout.now()
            );
            thread::sleep(Duration::from_millis(2));
        };
        let stdout = self.stdout.whole(self.deadline);
        Ended {
            status: status.code(),
            stdout: stdout.strip_prefix(PREFACE).unwrap_or(&stdout).to_owned(),
            stderr: self.stderr.whole(self.deadline),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text that a process has written so far, and whether it can write more.
#[derive(Default)]
struct Text {
    state: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl Text {
    fn read(mut from: impl Read + Send + 'static) -> Arc<Self> {
        let text = Arc::new(Self::default());
        let written = Arc::clone(&text);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let length = from.read(&mut buffer).unwrap_or(0);
                let mut state = written.lock();
                state.0.extend(&buffer[..length]);
                state.1 = length == 0;
                written.changed.notify_all();
                if length == 0 {
                    return;
                }
            }
        });
        text
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<u8>, bool)> {
        self.state.lock().expect("no thread panics under this lock")
    }

    fn now(&self) -> String {
        String::from_utf8_lossy(&self.lock().0).into_owned()
    }

    /// Waits until `find` finds something, or can find no more.
    fn wait<R>(&self, deadline: Instant, find: impl Fn(&str) -> Option<R>) -> Option<R> {
        let mut state = self.lock();
        loop {
            let found = find(&String::from_utf8_lossy(&state.0));
            let left = deadline.saturating_duration_since(Instant::now());
            if found.is_some() || state.1 || left.is_zero() {
                return found;
            }
            state = self.changed.wait_timeout(state, left).expect("as above").0;
        }
    }

    #[track_caller]
    fn whole(&self, deadline: Instant) -> String {
        let never: Option<()> = self.wait(deadline, |_| None);
        assert!(
            never.is_none() && self.lock().1,
            "a process holds its output open"
        );
        self.now()
    }
}

/// An empty folder of the test, removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("example-{}-{number}", process::id());
            let path = env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // Left by a run that was killed, in a process of the same id.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
