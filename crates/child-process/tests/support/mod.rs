//! What several tests need.
#![allow(
    dead_code,
    reason = "each test program uses its own part of this module"
)]

pub(crate) mod inside;

use std::fs;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Error};

/// Runs a test on a thread of its own; if it hangs, the whole test program fails.
pub(crate) fn within(limit: Duration, test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::Builder::new()
        .name("test".to_owned())
        .spawn(move || {
            test();
            let _ = done.send(());
        })
        .expect("a thread starts");
    match ended.recv_timeout(limit) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the test hangs"),
        _ => {
            if let Err(payload) = thread.join() {
                panic::resume_unwind(payload);
            }
        }
    }
}

/// A shell script.
pub(crate) fn sh(script: &str) -> Command {
    Command::new("sh").arg("-c").arg(script)
}

/// Calls `run` with growing time limits until it got far enough: a busy machine needs a longer one.
#[track_caller]
pub(crate) fn with_enough_time<T>(
    limit: Duration,
    run: impl Fn(Duration) -> T,
    far_enough: impl Fn(&T) -> bool,
) -> T {
    [1, 5, 25, 100]
        .into_iter()
        .map(|factor| run(limit * factor))
        .find(far_enough)
        .expect("it gets far enough within a hundred times its limit")
}

/// Ends a command by a time limit, but not before it has written `said`.
#[track_caller]
pub(crate) fn time_out_after(said: &[u8], limit: Duration, command: &Command) -> Error {
    with_enough_time(
        limit,
        |limit| command.clone().timeout(limit).run().unwrap_err(),
        |error| {
            let finished = error.finished().unwrap_or_else(|| panic!("{error}"));
            error.is_timeout() && finished.stdout.starts_with(said)
        },
    )
}

/// A variable of the environment by which all processes of a tree can be told.
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(format!("{}-{number}", std::process::id()))
    }

    pub(crate) fn on(&self, command: Command) -> Command {
        command.env("CHILD_PROCESS_TEST", &self.0)
    }

    /// The living processes that bear it. A zombie has no environment.
    pub(crate) fn living(&self) -> Vec<u32> {
        let entry = format!("CHILD_PROCESS_TEST={}", self.0);
        fs::read_dir("/proc")
            .expect("/proc")
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|id| {
                environment(*id)
                    .split(|byte| *byte == 0)
                    .any(|var| var == entry.as_bytes())
            })
            .collect()
    }

    /// Waits until so many live.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) {
        eventually(&format!("{count} processes"), || {
            self.living().len() == count
        });
    }

    /// Ends those that a test has left on purpose.
    pub(crate) fn clean_up(&self) {
        for id in self.living() {
            let _ = Command::new("kill").args(["-KILL", &id.to_string()]).run();
        }
        self.wait_for(0);
    }
}

/// The environment of a process; empty for a zombie and for a kernel thread.
///
/// A living process has none for a moment in the middle of an `execve`. That moment is waited out.
fn environment(id: u32) -> Vec<u8> {
    let patience = Instant::now() + Duration::from_secs(5);
    loop {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        if !environment.is_empty() || !is_between_programs(id) || Instant::now() > patience {
            return environment;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a process has no arguments either, and is neither dead nor a kernel thread.
fn is_between_programs(id: u32) -> bool {
    let read = |file| fs::read_to_string(format!("/proc/{id}/{file}"));
    let (Ok(line), Ok(stat)) = (read("cmdline"), read("stat")) else {
        return false;
    };
    let mut fields = stat
        .rsplit_once(") ")
        .map_or("", |(_, rest)| rest)
        .split(' ');
    let (state, parent) = (fields.next(), fields.next());
    // Kernel threads are children of thread 2, which has no parent.
    line.is_empty() && !matches!(state, Some("Z" | "X")) && !matches!(parent, Some("0" | "2"))
}

#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < patience, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Descriptors, threads and children of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    pub(crate) children: usize,
}

impl Holdings {
    pub(crate) fn now() -> Self {
        let tasks: Vec<_> = fs::read_dir("/proc/self/task")
            .expect("/proc")
            .flatten()
            .map(|task| task.path())
            .collect();
        let children = tasks
            .iter()
            .filter_map(|task| fs::read_to_string(task.join("children")).ok())
            .map(|children| children.split_ascii_whitespace().count())
            .sum();
        // Threads of the test harness, which wait for their turn, are named after their tests.
        let threads = tasks
            .iter()
            .filter_map(|task| fs::read_to_string(task.join("comm")).ok())
            .filter(|name| !name.starts_with("fault_"))
            .count();
        Self {
            // One of them is the look itself.
            descriptors: fs::read_dir("/proc/self/fd").expect("/proc").count() - 1,
            threads,
            children,
        }
    }

    /// Waits until nothing is held that was not held then.
    #[track_caller]
    pub(crate) fn are_back(self) {
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            let now = Self::now();
            // Fewer threads: one of a test before was still ending.
            if now.descriptors <= self.descriptors
                && now.threads <= self.threads
                && now.children <= self.children
            {
                return;
            }
            assert!(Instant::now() < patience, "before {self:?}, now {now:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The processes that have ended, are children of this program, and were not reaped.
pub(crate) fn zombies() -> usize {
    let own = std::process::id().to_string();
    fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
        .filter_map(|stat| Some(stat.rsplit_once(") ")?.1.to_owned()))
        .filter(|rest| {
            rest.strip_prefix("Z ")
                .and_then(|rest| rest.split(' ').next())
                == Some(&own)
        })
        .count()
}

/// Whether a program is there; says so if it is not.
pub(crate) fn has(program: &str) -> bool {
    let there = std::process::Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: no {program} here");
    }
    there
}
