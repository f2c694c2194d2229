//! What a child has started: found, held and signalled so that nobody else is ever hit.
//!
//! A number of a process means another process once its owner is gone and reaped. So nothing is signalled by number but the
//! child's process group, and that only while the child itself is unreaped: a zombie keeps its number. All others are held
//! by a descriptor (pidfd), which never means anybody else, and are believed to belong here only if they are in the same
//! place before and after the descriptor was opened, while the one they belong to was alive.

mod adoption;
mod census;
mod leader;

pub use adoption::adopt_orphans;
pub(crate) use adoption::{Mark, VARIABLE};
pub(crate) use census::Census;
pub(crate) use leader::Leader;

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use census::Entry;

/// The living processes that were found below a leader, or in its group; not the leader itself.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    held: Vec<Held>,
    /// Those that have ended and may have become ours to reap. Only where orphans are adopted.
    ended: Vec<OwnedFd>,
    adopts: bool,
}

#[derive(Debug)]
struct Held {
    id: u32,
    group: u32,
    process: OwnedFd,
}

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
        let gone = self
            .held
            .extract_if(.., |_| ended.next().unwrap_or(false))
            .map(|held| held.process);
        if self.adopts {
            self.ended.extend(gone);
        } else {
            gone.for_each(drop);
        }
    }

    /// Takes away those that have ended and whose parents have.
    pub(crate) fn reap(&mut self) {
        self.ended.retain(|process| !adoption::reap(process));
    }

    /// Lets those that live run on.
    pub(crate) fn leave(&mut self, leader: &Leader, census: &mut Census) {
        if leader.mark().is_some() {
            self.look(leader, census, &[]);
            let left = self.held.drain(..).map(|held| held.process);
            left.chain(self.ended.drain(..)).for_each(adoption::leave);
        }
    }

    /// Looks for those who are not held yet, sends each of them `signals`, and holds them.
    pub(crate) fn look(
        &mut self,
        leader: &Leader,
        census: &mut Census,
        signals: &[Signal],
    ) -> Look {
        let entries = census.entries();
        self.adopts = leader.mark().is_some();
        // After the reading: who is alive now was alive then, and its number was its own.
        self.forget_ended();
        let mut members: BTreeSet<u32> = self.held.iter().map(|held| held.id).collect();
        if leader.is_pinned() {
            members.insert(leader.id());
        }
        let own = std::process::id();
        let mut changed = false;
        let mut refused = BTreeSet::new();
        loop {
            let before = members.len();
            for entry in entries {
                let known = members.contains(&entry.id) || refused.contains(&entry.id);
                if known || entry.dead() || entry.id == own {
                    continue;
                }
                let belongs = [entry.parent, entry.group, entry.session]
                    .iter()
                    .any(|id| members.contains(id));
                let adopted = || {
                    let mark = leader.mark().filter(|_| entry.parent == own);
                    mark.is_some_and(|mark| mark.is_on(entry.id))
                };
                // Once the leader is not to be told from others by its number, it is no orphan either.
                if entry.id == leader.id() || !(belongs || adopted()) {
                    continue;
                }
                changed = true;
                match hold(entry) {
                    Some(held) => {
                        for signal in signals {
                            // It may have ended since, which is what is wanted.
                            let _ = pidfd_send_signal(&held.process, *signal);
                        }
                        members.insert(entry.id);
                        self.held.push(held);
                    }
                    None => {
                        refused.insert(entry.id);
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
        Look { changed, still }
    }

    /// Sends a signal to the leader, its group, and all that are held.
    pub(crate) fn signal(&self, leader: &Leader, signal: Signal) {
        let group = leader.signal_group(signal);
        if !group {
            let _ = leader.signal(signal);
        }
        for held in &self.held {
            // Those of the group have got it already.
            if !(group && held.group == leader.id()) {
                let _ = pidfd_send_signal(&held.process, signal);
            }
        }
    }
}

/// A descriptor of that very process, if it is still where it was.
fn hold(entry: &Entry) -> Option<Held> {
    let id = Pid::from_raw(entry.id.cast_signed())?;
    let process = loop {
        match pidfd_open(id, PidfdFlags::empty()) {
            Ok(process) => break process,
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    };
    let now = Entry::read(entry.id)?;
    (now.same_place(entry) && !now.dead()).then_some(Held {
        id: entry.id,
        group: entry.group,
        process,
    })
}
