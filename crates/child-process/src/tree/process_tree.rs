//! The process tree of a child.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};

use crate::tree::adoption::mark::{Mark, Marked, mark_of, running_leaders};
use crate::tree::adoption::{self, background};
use crate::tree::leader::Leader;
use crate::tree::proc_scan::{ProcEntry, ProcScan};
use crate::tree::process_handle::ProcessHandle;

/// The processes found below a leader or in its group, without the leader itself.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    living: Vec<ProcessHandle>,
    /// Processes that have ended and may have become children of this program, which must then reap
    /// them. Only if this program inherits orphans.
    ended: Vec<ProcessHandle>,
    /// Whether this program inherits orphans; `None` until first asked.
    inherits: Option<bool>,
    /// Whether processes were missed for lack of a descriptor.
    missed_some: bool,
}

/// The most searches for leftover processes, if each of them finds a new one. The pauses between
/// them add up to a tenth of a second.
const LAST_SEARCHES: u32 = 10;

/// The result of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// A process is new or was changing during the search, so another search is needed.
    pub(crate) changed: bool,
    /// The leader and all processes found are stopped or have ended.
    pub(crate) all_stopped: bool,
}

impl Tree {
    /// Whether no living process is known, except perhaps the leader.
    pub(crate) fn is_empty(&self) -> bool {
        self.living.is_empty()
    }

    /// The descriptors of the living processes. Each becomes readable when its process ends.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.living.iter().map(|handle| handle.pidfd.as_fd())
    }

    /// Drops the processes that have ended, or keeps them to be reaped if this program inherits
    /// orphans.
    pub(crate) fn release_ended(&mut self) {
        if self.living.is_empty() {
            return;
        }
        let mut ended: Vec<PollFd<'_>> = self
            .living
            .iter()
            .map(|handle| PollFd::new(&handle.pidfd, PollFlags::IN))
            .collect();
        if poll(&mut ended, Some(&Timespec::default())).is_err() {
            return;
        }
        let ended: Vec<bool> = ended.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut ended = ended.into_iter();
        let gone = self
            .living
            .extract_if(.., |_| ended.next().unwrap_or(false));
        if self.inherits == Some(true) {
            self.ended.extend(gone);
        } else {
            gone.for_each(drop);
        }
    }

    /// Whether orphaned descendants become children of this program. Determined once per tree.
    pub(crate) fn inherits_orphans(&mut self) -> bool {
        *self.inherits.get_or_insert_with(adoption::inherits_orphans)
    }

    /// Lets the living processes run on, and reaps those that have ended.
    pub(crate) fn release(&mut self, leader: &Leader, scan: &mut ProcScan) {
        if self.inherits_orphans() {
            // A process in the middle of an `execve` shows its mark a moment later.
            for attempt in 0..LAST_SEARCHES {
                if !self.search(leader, scan, &[]).changed {
                    break;
                }
                thread::sleep(Duration::from_micros(100 << attempt));
                scan.invalidate();
            }
            self.release_ended();
            if self.missed_some && leader.leads() {
                background::remember_group(leader.id());
            }
            let processes = self.living.drain(..).chain(self.ended.drain(..));
            background::release(processes, scan);
        }
    }

    /// Searches for processes that are not held yet, sends them `signals`, and holds them. If this
    /// program inherits orphans, processes that have ended are held too, since their parents may
    /// never reap them.
    pub(crate) fn search(
        &mut self,
        leader: &Leader,
        scan: &mut ProcScan,
        signals: &[Signal],
    ) -> Found {
        let _ = scan.entries();
        self.missed_some |= scan.is_incomplete();
        let entries = scan.entries();
        let reaps = self.inherits_orphans();
        // After the scan: a process that is alive now was alive then, and its id was its own.
        self.release_ended();
        let mut members: BTreeSet<u32> = self.living.iter().map(|held| held.entry.id).collect();
        if leader.is_pinned() {
            members.insert(leader.id());
        }
        // Once the leader is reaped, its id may belong to another process.
        let mut excluded = BTreeSet::from([std::process::id(), leader.id()]);
        let ended: BTreeSet<_> = self
            .ended
            .iter()
            .map(|held| held.entry.identity())
            .collect();
        let mut adopter = Adopter::new(leader);
        let mut changed = false;
        loop {
            let before = members.len();
            for entry in entries {
                let known = members.contains(&entry.id) || excluded.contains(&entry.id);
                if known || ended.contains(&entry.identity()) || (entry.dead() && !reaps) {
                    continue;
                }
                let belongs = [entry.parent, entry.group, entry.session]
                    .iter()
                    .any(|id| members.contains(id));
                if !(belongs || adopter.claims(entry)) {
                    continue;
                }
                match ProcessHandle::try_open(entry) {
                    Ok(handle) if !handle.entry.dead() => {
                        changed = true;
                        for signal in signals {
                            // An error means that it has ended since.
                            let _ = pidfd_send_signal(&handle.pidfd, *signal);
                        }
                        members.insert(entry.id);
                        self.living.push(handle);
                    }
                    opened => {
                        changed |= !entry.dead();
                        self.missed_some |= opened.as_ref().is_err_and(|e| *e != Errno::SRCH);
                        excluded.insert(entry.id);
                        self.ended.extend(opened.ok().filter(|_| reaps));
                    }
                }
            }
            // A parent may come after its child in the scan.
            if members.len() == before {
                break;
            }
        }
        Found {
            changed: changed || adopter.unsure,
            all_stopped: entries
                .iter()
                .filter(|entry| members.contains(&entry.id))
                .all(|entry| entry.stopped() || entry.dead()),
        }
    }

    /// Sends a signal to the leader, its group and all held processes.
    pub(crate) fn signal(&self, leader: &Leader, signal: Signal) {
        let group = leader.signal_group(signal);
        if !group {
            let _ = leader.signal(signal);
        }
        for handle in &self.living {
            // Members of the group have got the signal already.
            if !(group && handle.entry.group == leader.id()) {
                let _ = pidfd_send_signal(&handle.pidfd, signal);
            }
        }
    }
}

/// Recognises the orphans of one child, if the program adopts orphans.
struct Adopter {
    mark: Option<u64>,
    own_id: u32,
    /// Children of this program that are not orphans.
    leaders: BTreeSet<u32>,
    /// A process was in the middle of an `execve`, so its mark can be read only later.
    unsure: bool,
}

impl Adopter {
    fn new(leader: &Leader) -> Self {
        let mark = leader.mark().map(Mark::number);
        Self {
            mark,
            own_id: std::process::id(),
            leaders: mark.map(|_| running_leaders()).unwrap_or_default(),
            unsure: false,
        }
    }

    fn claims(&mut self, entry: &ProcEntry) -> bool {
        let candidate = entry.parent == self.own_id && !self.leaders.contains(&entry.id);
        if self.mark.is_none() || !candidate {
            return false;
        }
        let marked = mark_of(entry.id);
        self.unsure |= marked == Marked::NotYet && !entry.dead();
        matches!(marked, Marked::With(number) if Some(number) == self.mark)
    }
}
