//! Background processes of reaped children, which only this program can reap.

use std::collections::BTreeSet;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

use crate::tree::adoption::mark::{self, Marked};
use crate::tree::proc_scan::{ProcEntry, ProcScan, ticks_now};
use crate::tree::process_handle::ProcessHandle;

static BACKGROUND: Mutex<Vec<ProcessHandle>> = Mutex::new(Vec::new());

/// Process groups with members that are not held for lack of a descriptor, each with the time when
/// its leader was reaped. Members of a later group with the same id started after that time.
static GROUPS: Mutex<Vec<(u32, u64)>> = Mutex::new(Vec::new());

/// Remembers to reap the members of this group once descriptors are available.
pub(in crate::tree) fn remember_group(group: u32) {
    let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
    groups.push((group, ticks_now()));
}

/// Reaps the ended members of remembered groups.
fn reap_groups() {
    let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
    if groups.is_empty() {
        return;
    }
    let own_id = std::process::id();
    let mut scan = ProcScan::default();
    let entries = scan.entries().to_vec();
    let complete = !scan.is_incomplete();
    groups.retain(|(group, leader_reaped)| {
        let members = entries
            .iter()
            .filter(|entry| entry.group == *group && entry.start <= *leader_reaped);
        let mut remain = !complete;
        for member in members {
            let reaped = member.parent == own_id
                && member.dead()
                && ProcessHandle::open(member).is_some_and(|handle| reap(&handle.pidfd));
            remain |= !reaped;
        }
        remain
    });
}

/// Keeps processes that run on or cannot be reaped yet, and reaps those that have ended.
pub(in crate::tree) fn release(
    processes: impl Iterator<Item = ProcessHandle>,
    scan: &mut ProcScan,
) {
    let mut background = BACKGROUND.lock().unwrap_or_else(PoisonError::into_inner);
    background.extend(processes);
    reap_ended(&mut background, scan);
}

/// Reaps the processes that have ended since the last call.
pub(super) fn reap_background() {
    reap_groups();
    let mut background = BACKGROUND.lock().unwrap_or_else(PoisonError::into_inner);
    if !background.is_empty() {
        background.retain(|handle| !is_gone(&handle.pidfd));
        if background.iter().any(|handle| is_own_zombie(&handle.pidfd)) {
            reap_ended(&mut background, &mut ProcScan::default());
        }
    }
}

/// Adds new descendants, then reaps the processes that had ended before that scan. The order
/// matters: when a process ends, its children are re-parented to this program, and once it is
/// reaped nothing identifies them as its children.
fn reap_ended(background: &mut Vec<ProcessHandle>, scan: &mut ProcScan) {
    let ended: BTreeSet<_> = background
        .iter()
        .filter(|handle| is_own_zombie(&handle.pidfd))
        .map(|handle| handle.entry.identity())
        .collect();
    if !ended.is_empty() {
        scan.invalidate();
    }
    add_descendants(background, scan.entries());
    background.retain(|handle| {
        if ended.contains(&handle.entry.identity()) {
            !reap(&handle.pidfd)
        } else {
            !is_gone(&handle.pidfd)
        }
    });
}

/// Holds the processes, dead or alive, that the background processes have started since, and the
/// orphans of children that have been reaped.
fn add_descendants(background: &mut Vec<ProcessHandle>, entries: &[ProcEntry]) {
    let own_id = std::process::id();
    let Some(own) = entries.iter().find(|entry| entry.id == own_id) else {
        return;
    };
    let leaders = mark::running_leaders();
    let mut known = Relatives::default();
    let held: BTreeSet<_> = background
        .iter()
        .map(|handle| handle.entry.identity())
        .collect();
    for entry in entries {
        if held.contains(&entry.identity()) {
            known.add(entry, own);
        }
    }
    loop {
        let before = background.len();
        for entry in entries {
            if entry.id == own.id || leaders.contains(&entry.id) || known.ids.contains(&entry.id) {
                continue;
            }
            if (known.is_ancestor_of(entry) || is_orphan(entry, own.id))
                && let Some(handle) = ProcessHandle::open(entry)
            {
                known.add(entry, own);
                background.push(handle);
            }
        }
        // A parent may come after its child in the scan.
        if background.len() == before {
            break;
        }
    }
}

/// The ids, groups and sessions of the background processes. None of these numbers is reused while
/// one of the processes is unreaped.
#[derive(Default)]
struct Relatives {
    ids: BTreeSet<u32>,
    groups: BTreeSet<u32>,
    sessions: BTreeSet<u32>,
}

impl Relatives {
    /// Adds a process. The group and the session of this program do not count, since they contain
    /// other processes too.
    fn add(&mut self, entry: &ProcEntry, own: &ProcEntry) {
        self.ids.insert(entry.id);
        if entry.group != own.group {
            self.groups.insert(entry.group);
        }
        if entry.session != own.session {
            self.sessions.insert(entry.session);
        }
    }

    /// Whether a process descends from one of these. A group leader is excluded, since it may be a
    /// child that is still running or not reaped yet.
    fn is_ancestor_of(&self, entry: &ProcEntry) -> bool {
        let leads = entry.id == entry.group || entry.id == entry.session;
        let beside = self.groups.contains(&entry.group) || self.sessions.contains(&entry.session);
        self.ids.contains(&entry.parent) || (beside && !leads)
    }
}

/// Whether a process was re-parented to this program and descends from a child that has been
/// reaped.
fn is_orphan(entry: &ProcEntry, own_id: u32) -> bool {
    entry.parent == own_id
        && !entry.dead()
        && matches!(mark::mark_of(entry.id), Marked::With(number) if !mark::is_running(number))
}

/// Reaps a child that has ended. Returns whether it is reaped now.
fn reap(pidfd: &OwnedFd) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    // An error means that other code has reaped it.
    !waitid(WaitId::PidFd(pidfd.as_fd()), options).is_ok_and(|ended| ended.is_none())
}

/// Whether the process is a child of this program by now, and a zombie.
fn is_own_zombie(pidfd: &OwnedFd) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::PidFd(pidfd.as_fd()), options).is_ok_and(|ended| ended.is_some())
}

/// Whether another parent has reaped the process. A zombie may still be re-parented to this
/// program, since its parent may be a background process too; only a reaped process cannot be
/// signalled.
fn is_gone(pidfd: &OwnedFd) -> bool {
    let mut ended = [PollFd::new(pidfd, PollFlags::IN)];
    poll(&mut ended, Some(&Timespec::default())).is_ok_and(|count| count > 0)
        && pidfd_send_signal(pidfd, Signal::CONT) == Err(Errno::SRCH)
}
