//! The child itself, which leads the group.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, pidfd_open,
    pidfd_send_signal, waitid,
};

use super::Mark;

/// A child that was started and not yet reaped.
#[derive(Debug)]
pub(crate) struct Leader {
    id: Pid,
    process: OwnedFd,
    /// It leads a process group of its own.
    leads: bool,
    exited: bool,
    mark: Option<Mark>,
}

impl Leader {
    /// Takes a child that was just started. Where no descriptor is to be had the child is ended, with its group.
    pub(crate) fn take(mut child: Child, leads: bool, mark: Option<Mark>) -> io::Result<Self> {
        let id = Pid::from_raw(child.id().cast_signed()).ok_or(Errno::SRCH)?;
        if let Some(mark) = &mark {
            mark.started(child.id());
        }
        // Nobody has reaped it, so the number is its own.
        match pidfd_open(id, PidfdFlags::empty()) {
            Ok(process) => Ok(Self {
                id,
                process,
                leads,
                exited: false,
                mark,
            }),
            Err(error) => {
                if leads {
                    let _ = kill_process_group(id, Signal::KILL);
                }
                let _ = child.kill();
                let _ = child.wait();
                Err(error.into())
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id.as_raw_nonzero().get().cast_unsigned()
    }

    /// What its orphans are told by, where the program adopts them.
    pub(crate) fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// Becomes readable when it ends.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }

    /// Whether it was seen to have ended.
    pub(crate) fn exited(&self) -> bool {
        self.exited
    }

    /// Its descriptor became readable. Only the loop says so, which then also does what is due.
    pub(crate) fn note_exit(&mut self) {
        self.exited = true;
    }

    /// How it ended, if it has; it stays unreaped.
    pub(crate) fn peek(&self) -> io::Result<Option<ExitStatus>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let status = waitid(WaitId::PidFd(self.process.as_fd()), options)?;
        Ok(status.as_ref().and_then(exit_status))
    }

    /// Whether its number is still its own: it runs, or it is a zombie. Not so if something else in this program has
    /// reaped it.
    pub(crate) fn is_pinned(&self) -> bool {
        self.peek().is_ok()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.process, signal)?)
    }

    /// Sends its group a signal; false if it has none or the number might be somebody else's by now.
    pub(crate) fn signal_group(&self, signal: Signal) -> bool {
        // An error means that nobody is left, or none that we may signal.
        let there = self.leads && self.is_pinned();
        if there {
            let _ = kill_process_group(self.id, signal);
        }
        there
    }

    /// Takes it away once it has ended. Only now does its number become free, so nothing may be signalled by it from here
    /// on. By its descriptor: if something else has reaped it, its number may be that of another child by now.
    pub(crate) fn reap(&self) -> io::Result<ExitStatus> {
        loop {
            match waitid(WaitId::PidFd(self.process.as_fd()), WaitIdOptions::EXITED) {
                Ok(status) => {
                    if let Some(status) = status.as_ref().and_then(exit_status) {
                        self.mark.as_ref().inspect(|mark| mark.retire());
                        return Ok(status);
                    }
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// In the layout of wait(2): a code in the second byte, or a signal in the first, with a bit if there is a core.
fn exit_status(status: &WaitIdStatus) -> Option<ExitStatus> {
    let raw = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => (code & 0xff) << 8,
        (None, Some(signal)) => signal | if status.dumped() { 0x80 } else { 0 },
        (None, None) => return None,
    };
    Some(ExitStatus::from_raw(raw))
}
