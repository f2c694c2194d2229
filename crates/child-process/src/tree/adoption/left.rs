//! Processes that were left to run in the background, which only this program can reap.

use std::collections::BTreeSet;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

use super::mark::{self, Marked};
use crate::tree::census::{Census, Entry, ticks_now};
use crate::tree::held::Held;

static LEFT: Mutex<Vec<Held>> = Mutex::new(Vec::new());

/// The groups of which some members are not held, for want of a descriptor, each with the start time
/// of the youngest process when its leader was reaped. Members of a group that has got the number
/// since are younger.
static GROUPS: Mutex<Vec<(u32, u64)>> = Mutex::new(Vec::new());

/// Reaps the members of this group later, when there are descriptors again.
pub(in crate::tree) fn remember_group(group: u32) {
    let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
    groups.push((group, ticks_now()));
}

/// Reaps what has ended of the groups that were not held whole.
fn reap_groups() {
    let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
    if groups.is_empty() {
        return;
    }
    let own = std::process::id();
    let mut census = Census::default();
    let entries = census.entries().to_vec();
    let complete = !census.is_incomplete();
    groups.retain(|(group, youngest)| {
        let members = entries
            .iter()
            .filter(|entry| entry.group == *group && entry.start <= *youngest);
        let mut left = !complete;
        for member in members {
            let reaped = member.parent == own
                && member.dead()
                && Held::open(member).is_some_and(|held| reap(&held.process));
            left |= !reaped;
        }
        left
    });
}

/// Keeps processes that are left to run or not reaped yet, and reaps those that have ended.
pub(in crate::tree) fn leave(processes: impl Iterator<Item = Held>, census: &mut Census) {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left.extend(processes);
    settle(&mut left, census);
}

/// Reaps the processes that have ended since the last child did.
pub(super) fn reap_left() {
    reap_groups();
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    if !left.is_empty() {
        left.retain(|held| !is_gone(&held.process));
        if left.iter().any(|held| is_ours_and_ended(&held.process)) {
            settle(&mut left, &mut Census::default());
        }
    }
}

/// Looks for more processes, then reaps those that had ended before the look: when a process ends,
/// its children are re-parented to this program, and once it is reaped nothing identifies them as
/// its children.
fn settle(left: &mut Vec<Held>, census: &mut Census) {
    let ended: BTreeSet<_> = left
        .iter()
        .filter(|held| is_ours_and_ended(&held.process))
        .map(|held| held.entry.identity())
        .collect();
    if !ended.is_empty() {
        census.forget();
    }
    find_more(left, census.entries());
    left.retain(|held| {
        if ended.contains(&held.entry.identity()) {
            !reap(&held.process)
        } else {
            !is_gone(&held.process)
        }
    });
}

/// Holds the processes that the left ones have started since, dead or alive, and the orphans of
/// children that have been reaped by now.
fn find_more(left: &mut Vec<Held>, entries: &[Entry]) {
    let own = std::process::id();
    let Some(own) = entries.iter().find(|entry| entry.id == own) else {
        return;
    };
    let leaders = mark::running_leaders();
    let mut kin = Kin::default();
    let held: BTreeSet<_> = left.iter().map(|held| held.entry.identity()).collect();
    for entry in entries {
        if held.contains(&entry.identity()) {
            kin.add(entry, own);
        }
    }
    loop {
        let before = left.len();
        for entry in entries {
            if entry.id == own.id || leaders.contains(&entry.id) || kin.ids.contains(&entry.id) {
                continue;
            }
            if (kin.includes(entry) || is_orphan(entry, own.id))
                && let Some(held) = Held::open(entry)
            {
                kin.add(entry, own);
                left.push(held);
            }
        }
        // A parent may come after its child in the list.
        if left.len() == before {
            break;
        }
    }
}

/// The processes that were left, and their groups and sessions. None of these numbers is reused
/// while one of the processes is unreaped.
#[derive(Default)]
struct Kin {
    ids: BTreeSet<u32>,
    groups: BTreeSet<u32>,
    sessions: BTreeSet<u32>,
}

impl Kin {
    /// The group and the session of this program do not count: other processes are in them too.
    fn add(&mut self, entry: &Entry, own: &Entry) {
        self.ids.insert(entry.id);
        if entry.group != own.group {
            self.groups.insert(entry.group);
        }
        if entry.session != own.session {
            self.sessions.insert(entry.session);
        }
    }

    /// Whether a process descends from them. One that leads its group may be a child that still
    /// runs, or is not reaped yet.
    fn includes(&self, entry: &Entry) -> bool {
        let leads = entry.id == entry.group || entry.id == entry.session;
        let beside = self.groups.contains(&entry.group) || self.sessions.contains(&entry.session);
        self.ids.contains(&entry.parent) || (beside && !leads)
    }
}

/// Whether a process was re-parented to this program and descends from a child that has been
/// reaped.
fn is_orphan(entry: &Entry, own: u32) -> bool {
    entry.parent == own
        && !entry.dead()
        && matches!(mark::mark_of(entry.id), Marked::With(number) if !mark::is_running(number))
}

/// Reaps a child that has ended.
fn reap(process: &OwnedFd) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    // An error means that something else has reaped it.
    !waitid(WaitId::PidFd(process.as_fd()), options).is_ok_and(|ended| ended.is_none())
}

/// Whether the process is a child of this program by now, and a zombie.
fn is_ours_and_ended(process: &OwnedFd) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::PidFd(process.as_fd()), options).is_ok_and(|ended| ended.is_some())
}

/// Whether another parent has reaped the process. A zombie may still be re-parented to this
/// program, since its parent may have been left too: only a reaped process cannot be signalled.
fn is_gone(process: &OwnedFd) -> bool {
    let mut ended = [PollFd::new(process, PollFlags::IN)];
    poll(&mut ended, Some(&Timespec::default())).is_ok_and(|count| count > 0)
        && pidfd_send_signal(process, Signal::CONT) == Err(Errno::SRCH)
}
