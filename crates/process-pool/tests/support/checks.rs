//! Checks shared by the tests: a hard deadline, mutual exclusion, and counts of resources that a
//! pool could leak.

use std::fs;
use std::panic;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Aborts the test program after this time, so that a hang is a failure and not a stuck build.
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

/// Silences the expected panics of jobs, whose messages return to the test as errors. Call it
/// before the registration. Other panics are printed.
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

/// Mutual exclusion for tests of one program that count resources.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static EXCLUSIVE: Mutex<()> = Mutex::new(());
    EXCLUSIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Resources that a pool could leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resources {
    pub(crate) descriptors: usize,
    pub(crate) children: usize,
    pub(crate) supervisors: usize,
    pub(crate) mappings: usize,
}

impl Resources {
    pub(crate) fn count() -> Self {
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

    /// Counts once nothing of earlier tests is left and the counts are stable: a joined thread may
    /// be listed a moment longer.
    pub(crate) fn settled() -> Self {
        let until = Instant::now() + Duration::from_secs(10);
        let (mut last, mut same) = (Self::count(), 0);
        while same < 5 {
            assert!(Instant::now() < until, "does not settle: {last:?}");
            thread::sleep(Duration::from_millis(2));
            let now = Self::count();
            let is_idle = (now.children, now.supervisors, now.mappings) == (0, 0, 0)
                || until.saturating_duration_since(Instant::now()) < Duration::from_secs(9);
            same = if is_idle && now == last { same + 1 } else { 0 };
            last = now;
        }
        last
    }

    /// Waits until the counts are back.
    #[track_caller]
    pub(crate) fn assert_restored(self) {
        let until = Instant::now() + Duration::from_secs(10);
        while Self::count() != self {
            assert!(
                Instant::now() < until,
                "there were {self:?}, and now there are {:?}",
                Self::count()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The number of threads of this process that belong to pools. libtest may start others meanwhile.
pub(crate) fn pool_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names
        .filter(|name| name.starts_with("process-pool") || name.starts_with("pool-callbacks"))
        .count()
}

/// The children of this process, including dead ones that are not reaped.
pub(crate) fn children() -> Vec<i32> {
    let me = std::process::id() as i32;
    processes()
        .into_iter()
        .filter(|&(_, parent, _)| parent == me)
        .map(|(pid, ..)| pid)
        .collect()
}

/// The number, parent and state of every process.
pub(crate) fn processes() -> Vec<(i32, i32, char)> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(stat).collect()
}

/// The number, parent and state of a process.
pub(crate) fn stat(pid: i32) -> Option<(i32, i32, char)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((pid, fields.next()?.parse().ok()?, state))
}

/// Whether the process is alive, and not a zombie.
pub(crate) fn lives(pid: i32) -> bool {
    stat(pid).is_some_and(|(_, _, state)| state != 'Z' && state != 'X')
}

/// Waits until the condition holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "{what}: not within 20 s");
        thread::sleep(Duration::from_millis(2));
    }
}
