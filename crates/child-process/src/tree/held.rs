//! A process that is held by a descriptor.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::census::Entry;

/// A process and a descriptor that never means another one.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) entry: Entry,
    pub(super) process: OwnedFd,
}

impl Held {
    /// Opens a descriptor of that very process, wherever it has moved since. One that has ended can be held until it is
    /// reaped: `entry` is read anew, after the descriptor was opened.
    pub(super) fn open(entry: &Entry) -> Option<Self> {
        let id = Pid::from_raw(entry.id.cast_signed())?;
        let process = loop {
            match pidfd_open(id, PidfdFlags::empty()) {
                Ok(process) => break process,
                Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        };
        // The same number and the same start: nothing else can have got the number within the same hundredth of a second.
        let entry = Entry::read(entry.id).filter(|now| now.identity() == entry.identity())?;
        Some(Self { entry, process })
    }
}
