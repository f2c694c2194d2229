//! A process held by a descriptor (pidfd).

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::census::Entry;

/// A process, and a descriptor that never refers to another one.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) entry: Entry,
    pub(crate) process: OwnedFd,
}

impl Held {
    /// Opens a descriptor of exactly this process, even if its parent, group or session has changed
    /// since. A process that has ended can be held until it is reaped. The entry is read again
    /// after the descriptor was opened.
    pub(crate) fn open(entry: &Entry) -> Option<Self> {
        let id = Pid::from_raw(entry.id.cast_signed())?;
        let process = loop {
            match pidfd_open(id, PidfdFlags::empty()) {
                Ok(process) => break process,
                Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        };
        // Same number and same start time, so it is the same process: numbers are not reused within
        // a hundredth of a second.
        let entry = Entry::read(entry.id).filter(|now| now.identity() == entry.identity())?;
        Some(Self { entry, process })
    }
}
