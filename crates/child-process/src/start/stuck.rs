//! Children that were stopped before they became their program.
//!
//! A child joins its own process group just before its `execve`. If a stop for the group of this
//! program, such as Ctrl-Z, reaches it in between, the child stays stopped: `SIGCONT` for this
//! program's group does not reach it, and the thread that spawned it waits for its `execve`. A
//! thread that watches over all starts continues such children. It lives from the first start until
//! a fifth of a second after the last one, and no signal is delivered to it.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use rustix::process::{Signal, pidfd_send_signal};

use crate::tree::{Census, Entry, Held, ticks_now};

/// How often the thread looks, and how long a start may take without a look at it.
const EVERY: Duration = Duration::from_millis(50);

/// How long the thread stays after the last start.
const LINGER: Duration = Duration::from_millis(200);

static STARTS: Mutex<Starts> = Mutex::new(Starts {
    running: Vec::new(),
    ended: None,
    watched: false,
});

struct Starts {
    /// When those began that go on.
    running: Vec<Instant>,
    /// When the last one ended.
    ended: Option<Instant>,
    watched: bool,
}

fn starts<R>(with: impl FnOnce(&mut Starts) -> R) -> R {
    with(&mut STARTS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A start that goes on until this is dropped.
#[derive(Debug)]
pub(super) struct Watched(Instant);

/// Watches over a start that begins now. Without a thread it is not watched.
pub(super) fn watch() -> Watched {
    let begun = Instant::now();
    let watched = starts(|starts| {
        starts.running.push(begun);
        std::mem::replace(&mut starts.watched, true)
    });
    if !watched {
        let thread = thread::Builder::new().name("child-process".to_owned());
        if thread.spawn(watch_starts).is_err() {
            starts(|starts| starts.watched = false);
        }
    }
    Watched(begun)
}

impl Drop for Watched {
    fn drop(&mut self) {
        starts(|starts| {
            let place = starts.running.iter().position(|begun| *begun == self.0);
            place.map(|place| starts.running.swap_remove(place));
            starts.ended = Some(Instant::now());
        });
    }
}

fn watch_starts() {
    // A stop must not be delivered here: the thread would stand still with the rest.
    let _ = SigSet::all().thread_block();
    loop {
        thread::sleep(EVERY);
        let oldest = starts(|starts| {
            let idle = starts.ended.is_none_or(|ended| ended.elapsed() >= LINGER);
            starts.watched = !(starts.running.is_empty() && idle);
            starts.watched.then(|| starts.running.iter().min().copied())
        });
        match oldest {
            None => return,
            Some(Some(begun)) if begun.elapsed() >= EVERY => continue_stopped(begun),
            Some(_) => {}
        }
    }
}

/// Continues the stopped children that were born since then and are still this program.
fn continue_stopped(since: Instant) {
    let own = std::process::id();
    let program = fs::read_link("/proc/self/exe").ok();
    let born = ticks_now().saturating_sub(ticks(since.elapsed()) + 1);
    let stuck = |entry: &Entry| {
        let young = entry.parent == own && entry.start >= born;
        young && entry.stopped() && entry.group == entry.id
    };
    for entry in Census::default()
        .entries()
        .iter()
        .filter(|entry| stuck(entry))
    {
        let Some(held) = Held::open(entry).filter(|held| stuck(&held.entry)) else {
            continue;
        };
        if fs::read_link(format!("/proc/{}/exe", entry.id)).ok() == program {
            let _ = pidfd_send_signal(&held.process, Signal::CONT);
        }
    }
}

/// Linux tells the times of processes in hundredths of a second, whatever its own clock does.
fn ticks(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis() / 10).unwrap_or(u64::MAX)
}
