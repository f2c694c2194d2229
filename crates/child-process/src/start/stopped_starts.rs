//! A watch thread that continues children which were stopped before they called `exec`.
//!
//! A child joins its own process group just before its `execve`. If a stop signal for the group of
//! this program, such as Ctrl-Z, reaches it in between, the child stays stopped: `SIGCONT` for this
//! program's group does not reach it, and the thread that spawned it waits for its `execve`. The
//! watch thread continues such children. It runs from the first start until a fifth of a second
//! after the last one, and blocks all signals.
//!
//! A child that other code in this program has forked, and that is stopped on purpose in a group of
//! its own before it calls `exec`, looks the same. It is continued too if it was forked during a
//! slow start.

use std::fs;
use std::process;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use rustix::process::{Signal, pidfd_send_signal};

use crate::tree::proc_scan::{ProcEntry, ProcScan, ticks_now};
use crate::tree::process_handle::ProcessHandle;

/// The interval of the checks, and how long a start may take before it is checked.
const CHECK_EVERY: Duration = Duration::from_millis(50);

/// How long the thread stays after the last start.
const LINGER: Duration = Duration::from_millis(200);

static STARTS: Mutex<Starts> = Mutex::new(Starts::none(0));

struct Starts {
    /// The process that this state belongs to. A forked copy inherits the state, but not the
    /// thread.
    owner: u32,
    /// When each start under way began.
    running: Vec<Instant>,
    /// When the last start ended.
    ended: Option<Instant>,
    has_thread: bool,
}

impl Starts {
    const fn none(owner: u32) -> Self {
        Self {
            owner,
            running: Vec::new(),
            ended: None,
            has_thread: false,
        }
    }
}

fn with_starts<R>(use_them: impl FnOnce(&mut Starts) -> R) -> R {
    use_them(&mut STARTS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A start under way, until this is dropped.
#[derive(Debug)]
pub(super) struct WatchedStart(Instant);

/// Watches a start that begins now. If the thread cannot be created, it is not watched.
pub(super) fn watch() -> WatchedStart {
    let begun = Instant::now();
    let has_thread = with_starts(|starts| {
        let own = process::id();
        if starts.owner != own {
            *starts = Starts::none(own);
        }
        starts.running.push(begun);
        std::mem::replace(&mut starts.has_thread, true)
    });
    if !has_thread {
        let thread = thread::Builder::new().name("child-process".to_owned());
        if thread.spawn(run).is_err() {
            with_starts(|starts| starts.has_thread = false);
        }
    }
    WatchedStart(begun)
}

impl Drop for WatchedStart {
    fn drop(&mut self) {
        with_starts(|starts| {
            let position = starts.running.iter().position(|begun| *begun == self.0);
            position.map(|position| starts.running.swap_remove(position));
            starts.ended = Some(Instant::now());
        });
    }
}

/// The loop of the watch thread.
fn run() {
    // A stop signal delivered to this thread would stop it along with the rest.
    let _ = SigSet::all().thread_block();
    loop {
        thread::sleep(CHECK_EVERY);
        let oldest = with_starts(|starts| {
            let idle = starts.ended.is_none_or(|ended| ended.elapsed() >= LINGER);
            starts.has_thread = !(starts.running.is_empty() && idle);
            starts
                .has_thread
                .then(|| starts.running.iter().min().copied())
        });
        match oldest {
            None => return,
            Some(Some(begun)) if begun.elapsed() >= CHECK_EVERY => continue_stopped(begun),
            Some(_) => {}
        }
    }
}

/// Continues the stopped children that were forked since then and still execute this program.
fn continue_stopped(since: Instant) {
    let own_id = process::id();
    let program = fs::read_link("/proc/self/exe").ok();
    let forked = ticks_now().saturating_sub(ticks(since.elapsed()) + 1);
    let is_stopped = |entry: &ProcEntry| {
        let young = entry.parent == own_id && entry.start >= forked;
        young && entry.stopped() && entry.group == entry.id
    };
    for entry in ProcScan::default()
        .entries()
        .iter()
        .filter(|entry| is_stopped(entry))
    {
        let Some(held) = ProcessHandle::open(entry).filter(|held| is_stopped(&held.entry)) else {
            continue;
        };
        if fs::read_link(format!("/proc/{}/exe", entry.id)).ok() == program {
            let _ = pidfd_send_signal(&held.pidfd, Signal::CONT);
        }
    }
}

/// In the unit of process start times, which Linux reports in hundredths of a second.
fn ticks(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis() / 10).unwrap_or(u64::MAX)
}
