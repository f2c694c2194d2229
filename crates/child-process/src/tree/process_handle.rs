//! A process held by a descriptor (pidfd).

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::descriptor::above_standard;
use crate::tree::proc_scan::ProcEntry;

/// A process, and a descriptor that never refers to another one.
#[derive(Debug)]
pub(crate) struct ProcessHandle {
    pub(crate) entry: ProcEntry,
    pub(crate) pidfd: OwnedFd,
}

impl ProcessHandle {
    /// Opens a descriptor of exactly this process, even if its parent, group or session has changed
    /// since the scan. A process that has ended can be held until it is reaped. The entry is read
    /// again after the descriptor was opened.
    pub(crate) fn open(entry: &ProcEntry) -> Option<Self> {
        Self::try_open(entry).ok()
    }

    /// Like [`open`](Self::open). The error is `ESRCH` if the process is gone.
    pub(super) fn try_open(entry: &ProcEntry) -> Result<Self, Errno> {
        let id = Pid::from_raw(entry.id.cast_signed()).ok_or(Errno::SRCH)?;
        let pidfd = open_pidfd(id)?;
        // The same id and start time mean the same process: an id is not reused within a hundredth
        // of a second.
        let now = ProcEntry::try_read(entry.id)?;
        let entry = now.filter(|now| now.identity() == entry.identity());
        let entry = entry.ok_or(Errno::SRCH)?;
        Ok(Self { entry, pidfd })
    }
}

/// Opens a descriptor of the process that has this id now.
pub(super) fn open_pidfd(id: Pid) -> Result<OwnedFd, Errno> {
    loop {
        match pidfd_open(id, PidfdFlags::empty()) {
            Err(Errno::INTR) => {}
            result => return result.and_then(above_standard),
        }
    }
}
