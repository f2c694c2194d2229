//! What a child has started: found, held and signalled so that nobody else is ever hit.
//!
//! A number of a process means another process once its owner is gone and reaped. So nothing is
//! signalled by number but the child's process group, and that only while the child itself is
//! unreaped: a zombie keeps its number. All others are held by a descriptor (pidfd), which never
//! refers to another process. They count as part of the tree only if they were found beside a
//! known, unreaped process, and still have the same number and start time after the descriptor was
//! opened.

mod adoption;
mod census;
mod held;
mod leader;

pub use adoption::adopt_orphans;
pub(crate) use adoption::{Mark, VARIABLE, mark_for_a_child};
pub(crate) use census::{Census, Entry, ticks_now};
pub(crate) use held::Held;
pub(crate) use leader::Leader;

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};

use adoption::{Marked, mark_of, running_leaders};

/// The living processes that were found below a leader, or in its group; not the leader itself.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    held: Vec<Held>,
    /// Those that have ended and may have become ours to reap. Only if orphans come to this program.
    ended: Vec<Held>,
    /// Whether orphans come to this program, once that was asked.
    inherits: Option<bool>,
    /// For want of a descriptor some were not found or are not held.
    missed_some: bool,
}

/// The most looks for leftover processes, if each look finds a new one. The pauses between them add
/// up to a tenth of a second.
const LAST_LOOKS: u32 = 10;

/// What a look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Somebody new, or something moved while it was looked at: look again.
    pub(crate) changed: bool,
    /// All that is held, and the leader, stand still or have ended.
    pub(crate) still: bool,
}

impl Tree {
    /// Whether nobody is left but maybe the leader.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The descriptors to watch: each becomes readable when its process ends.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.held.iter().map(|held| held.process.as_fd())
    }

    /// Lets go of those that have ended.
    pub(crate) fn forget_ended(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let mut ended: Vec<PollFd<'_>> = self
            .held
            .iter()
            .map(|held| PollFd::new(&held.process, PollFlags::IN))
            .collect();
        if poll(&mut ended, Some(&Timespec::default())).is_err() {
            return;
        }
        let ended: Vec<bool> = ended.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut ended = ended.into_iter();
        let gone = self.held.extract_if(.., |_| ended.next().unwrap_or(false));
        if self.inherits == Some(true) {
            self.ended.extend(gone);
        } else {
            gone.for_each(drop);
        }
    }

    /// Whether orphaned descendants become children of this program. Asked once for each tree.
    pub(crate) fn inherits_orphans(&mut self) -> bool {
        *self.inherits.get_or_insert_with(adoption::inherits_orphans)
    }

    /// Leaves the living processes running, and reaps those that have ended.
    pub(crate) fn leave(&mut self, leader: &Leader, census: &mut Census) {
        if self.inherits_orphans() {
            // A process in the middle of an `execve` shows its mark a moment later.
            for look in 0..LAST_LOOKS {
                if !self.look(leader, census, &[]).changed {
                    break;
                }
                thread::sleep(Duration::from_micros(100 << look));
                census.forget();
            }
            self.forget_ended();
            if self.missed_some && leader.leads() {
                adoption::remember_group(leader.id());
            }
            let left = self.held.drain(..).chain(self.ended.drain(..));
            adoption::leave(left, census);
        }
    }

    /// Looks for processes that are not held yet, sends each of them `signals`, and holds them.
    /// If orphans come to this program, those that have ended are held too, since their parents may
    /// never ask for them.
    pub(crate) fn look(
        &mut self,
        leader: &Leader,
        census: &mut Census,
        signals: &[Signal],
    ) -> Look {
        let _ = census.entries();
        self.missed_some |= census.is_incomplete();
        let entries = census.entries();
        let reaps = self.inherits_orphans();
        // After the reading: a process that is alive now was alive then, and its number was its
        // own.
        self.forget_ended();
        let mut members: BTreeSet<u32> = self.held.iter().map(|held| held.entry.id).collect();
        if leader.is_pinned() {
            members.insert(leader.id());
        }
        let own = std::process::id();
        // Once the leader is reaped, its number may belong to another process.
        let mut passed = BTreeSet::from([own, leader.id()]);
        let ended: BTreeSet<_> = self
            .ended
            .iter()
            .map(|held| held.entry.identity())
            .collect();
        let mut adopter = Adopter::of(leader);
        let mut changed = false;
        loop {
            let before = members.len();
            for entry in entries {
                let known = members.contains(&entry.id) || passed.contains(&entry.id);
                if known || ended.contains(&entry.identity()) || (entry.dead() && !reaps) {
                    continue;
                }
                let belongs = [entry.parent, entry.group, entry.session]
                    .iter()
                    .any(|id| members.contains(id));
                if !(belongs || adopter.claims(entry)) {
                    continue;
                }
                match Held::try_open(entry) {
                    Ok(held) if !held.entry.dead() => {
                        changed = true;
                        for signal in signals {
                            // It may have ended since, which is what is wanted.
                            let _ = pidfd_send_signal(&held.process, *signal);
                        }
                        members.insert(entry.id);
                        self.held.push(held);
                    }
                    held => {
                        changed |= !entry.dead();
                        self.missed_some |= held.as_ref().is_err_and(|error| *error != Errno::SRCH);
                        passed.insert(entry.id);
                        self.ended.extend(held.ok().filter(|_| reaps));
                    }
                }
            }
            // A parent may stand behind its child in the list.
            if members.len() == before {
                break;
            }
        }
        let still = entries
            .iter()
            .filter(|entry| members.contains(&entry.id))
            .all(|entry| entry.stopped() || entry.dead());
        Look {
            changed: changed || adopter.unsure,
            still,
        }
    }

    /// Sends a signal to the leader, its group, and all that are held.
    pub(crate) fn signal(&self, leader: &Leader, signal: Signal) {
        let group = leader.signal_group(signal);
        if !group {
            let _ = leader.signal(signal);
        }
        for held in &self.held {
            // Those of the group have got it already.
            if !(group && held.entry.group == leader.id()) {
                let _ = pidfd_send_signal(&held.process, signal);
            }
        }
    }
}

/// Recognises the orphans of one child, where the program adopts them.
struct Adopter {
    mark: Option<u64>,
    own: u32,
    /// Children of this program that are no orphans.
    leaders: BTreeSet<u32>,
    /// A process was in the middle of an `execve`: its mark can only be read a moment later.
    unsure: bool,
}

impl Adopter {
    fn of(leader: &Leader) -> Self {
        let mark = leader.mark().map(Mark::number);
        Self {
            mark,
            own: std::process::id(),
            leaders: mark.map(|_| running_leaders()).unwrap_or_default(),
            unsure: false,
        }
    }

    fn claims(&mut self, entry: &Entry) -> bool {
        if self.mark.is_none() || entry.parent != self.own || self.leaders.contains(&entry.id) {
            return false;
        }
        let marked = mark_of(entry.id);
        self.unsure |= marked == Marked::NotYet && !entry.dead();
        matches!(marked, Marked::With(number) if Some(number) == self.mark)
    }
}
