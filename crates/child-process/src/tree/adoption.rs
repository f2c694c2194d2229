//! Orphans, where the program has asked to be their parent.
//!
//! A process whose parent has ended goes to the nearest ancestor that is a subreaper, which a program may declare itself to
//! be; else to the first process of the system. Here orphans are told by a mark in their environment, which all that a child
//! starts inherit, unless somebody wipes it.

use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Signal, WaitId, WaitIdOptions, getpid, pidfd_send_signal, set_child_subreaper, waitid,
};

/// The name of the mark in the environment.
pub(crate) const VARIABLE: &str = "CHILD_PROCESS_TREE";

static ADOPTING: AtomicBool = AtomicBool::new(false);

/// Processes that were left in the background and that nobody but this program can reap.
static LEFT: Mutex<Vec<OwnedFd>> = Mutex::new(Vec::new());

/// Makes this program the parent of all its orphaned descendants (a *subreaper*), so that ending a tree also ends what was
/// orphaned on purpose: a process that left its group, and whose parent ended before anybody looked.
///
/// This is for programs, called once at the beginning of `main`, and never for a library: it holds for the whole program.
/// From then on each child that this crate starts bears a mark in its environment, `CHILD_PROCESS_TREE`. Orphans that are
/// left to run, such as daemons, are children of this program from now on; this crate reaps those that it has seen, at the
/// latest with the next child that it starts. All this costs a reading of `/proc` with the end of each child.
///
/// # Errors
/// What the system says: it does not know this.
///
/// ```
/// child_process::adopt_orphans()?;
/// # std::io::Result::Ok(())
/// ```
pub fn adopt_orphans() -> io::Result<()> {
    set_child_subreaper(Some(getpid()))?;
    ADOPTING.store(true, Ordering::SeqCst);
    Ok(())
}

/// What the descendants of one child can be told by.
#[derive(Debug)]
pub(crate) struct Mark(String);

impl Mark {
    /// A mark for one more child, if orphans are adopted at all.
    pub(crate) fn for_a_child() -> Option<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        ADOPTING.load(Ordering::SeqCst).then(|| {
            reap_left();
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            Self(format!("{}-{number}", std::process::id()))
        })
    }

    pub(crate) fn value(&self) -> &str {
        &self.0
    }

    /// Whether that process bears it. One that has ended has no environment any more.
    pub(crate) fn is_on(&self, id: u32) -> bool {
        let entry = format!("{VARIABLE}={}", self.0);
        fs::read(format!("/proc/{id}/environ")).is_ok_and(|all| {
            all.split(|byte| *byte == 0)
                .any(|it| it == entry.as_bytes())
        })
    }
}

/// Takes a process away that has ended, if it is a child of ours by now. False while it lives.
pub(crate) fn reap(process: &OwnedFd) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    match waitid(WaitId::PidFd(process.as_fd()), options) {
        Ok(ended) => ended.is_some(),
        // Not a child of ours. Its parent may be one that was left as well, and may leave it to us, even after its end: only
        // who was reaped cannot be signalled.
        Err(_) => {
            has_ended(process) && pidfd_send_signal(process, Signal::CONT) == Err(Errno::SRCH)
        }
    }
}

fn has_ended(process: &OwnedFd) -> bool {
    let mut ended = [PollFd::new(process, PollFlags::IN)];
    poll(&mut ended, Some(&Timespec::default())).is_ok_and(|count| count > 0)
}

/// Remembers a process that is left to run.
pub(crate) fn leave(process: OwnedFd) {
    LEFT.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(process);
}

fn reap_left() {
    LEFT.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .retain(|process| !reap(process));
}
