//! What the tests share: a hard deadline, turns, and a census of what a pool could leave behind.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod rerun;

use std::fs;
use std::panic;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Ends the whole test program if it lives for longer than that: a hang is a failure, and not a stuck build.
pub(crate) fn deadline(seconds: u64) -> Sender<()> {
    let (alive, ended) = mpsc::channel();
    thread::spawn(move || {
        if ended.recv_timeout(Duration::from_secs(seconds)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("a test took longer than {seconds} s");
            std::process::abort();
        }
    });
    alive
}

/// Before the registration: what a job says when it panics comes back to its test as an error, and need not be printed
/// too. Panics in any other place are.
pub(crate) fn quiet_in_workers() {
    if std::env::args_os()
        .next()
        .is_none_or(|name| name != "process-pool-worker")
    {
        return;
    }
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if panic
            .location()
            .is_none_or(|place| !place.file().contains("tests/"))
        {
            print(panic);
        }
    }));
}

/// Tests of one program that count what there is take turns.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a pool could leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) descriptors: usize,
    pub(crate) children: usize,
    pub(crate) supervisors: usize,
    pub(crate) mappings: usize,
}

impl Census {
    pub(crate) fn take() -> Self {
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
        Self {
            descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
            children: children().len(),
            supervisors: names.filter(|name| name.trim() == "process-pool").count(),
            mappings: fs::read_to_string("/proc/self/maps")
                .unwrap()
                .matches("memfd:process-pool")
                .count(),
        }
    }

    /// Takes it once nothing of earlier tests is left and nothing changes any more: a joined thread
    /// may be listed for a moment longer.
    pub(crate) fn settled() -> Self {
        let until = Instant::now() + Duration::from_secs(10);
        let (mut last, mut same) = (Self::take(), 0);
        while same < 5 {
            assert!(Instant::now() < until, "does not settle: {last:?}");
            thread::sleep(Duration::from_millis(2));
            let now = Self::take();
            let is_idle = (now.children, now.supervisors, now.mappings) == (0, 0, 0)
                || until.saturating_duration_since(Instant::now()) < Duration::from_secs(9);
            same = if is_idle && now == last { same + 1 } else { 0 };
            last = now;
        }
        last
    }

    /// Waits until everything is back as it was.
    #[track_caller]
    pub(crate) fn assert_back(self) {
        let until = Instant::now() + Duration::from_secs(10);
        while Self::take() != self {
            assert!(
                Instant::now() < until,
                "there were {self:?}, and now there are {:?}",
                Self::take()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The children of this process, dead ones included as long as nobody has collected their status.
pub(crate) fn children() -> Vec<i32> {
    let me = std::process::id() as i32;
    processes()
        .into_iter()
        .filter(|&(_, parent, _)| parent == me)
        .map(|(pid, ..)| pid)
        .collect()
}

/// Number, parent and state of all processes.
pub(crate) fn processes() -> Vec<(i32, i32, char)> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(stat).collect()
}

/// Number, parent and state of a process.
pub(crate) fn stat(pid: i32) -> Option<(i32, i32, char)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((pid, fields.next()?.parse().ok()?, state))
}

/// Whether the process lives: not if it is only waiting for its status to be collected.
pub(crate) fn lives(pid: i32) -> bool {
    stat(pid).is_some_and(|(_, _, state)| state != 'Z' && state != 'X')
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "{what}: not within 20 s");
        thread::sleep(Duration::from_millis(2));
    }
}
