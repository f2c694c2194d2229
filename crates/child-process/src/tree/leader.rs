//! The child at the root of a tree, usually the leader of its process group.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{self, ExitStatus};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group,
    pidfd_send_signal, waitid,
};

use crate::tree::adoption::mark::Mark;
use crate::tree::process_handle::open_pidfd;

/// A child that this crate has started and not reaped yet.
#[derive(Debug)]
pub(crate) struct Leader {
    id: Pid,
    /// `None` if other code in this program reaped the child before it could be held. Its id may
    /// then belong to any process, so it is never signalled.
    pidfd: Option<OwnedFd>,
    /// Whether it leads a process group of its own.
    leads: bool,
    exited: bool,
    mark: Option<Mark>,
    /// The process that started it.
    parent: u32,
}

impl Leader {
    /// Holds a child that was just started. If no descriptor is available, the child is killed with
    /// its group.
    pub(crate) fn hold(id: u32, leads: bool, mark: Option<Mark>) -> io::Result<Self> {
        let id = Pid::from_raw(id.cast_signed()).ok_or(Errno::SRCH)?;
        if let Some(mark) = &mark {
            mark.started(id.as_raw_nonzero().get().cast_unsigned());
        }
        let pidfd = match open_pidfd(id) {
            // The id may have been reused before the descriptor was opened.
            Ok(pidfd) => is_own(WaitId::PidFd(pidfd.as_fd())).then_some(pidfd),
            Err(_) if !is_own(WaitId::Pid(id)) => None,
            Err(error) => {
                kill_unheld(id, leads);
                return Err(error.into());
            }
        };
        if pidfd.is_none() {
            mark.as_ref().inspect(|mark| mark.retire());
        }
        Ok(Self {
            id,
            exited: pidfd.is_none(),
            pidfd,
            leads,
            mark,
            parent: process::id(),
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.id.as_raw_nonzero().get().cast_unsigned()
    }

    /// Whether this process is a forked copy of the one that started the child, and must leave it
    /// alone.
    pub(crate) fn is_forked_copy(&self) -> bool {
        self.parent != process::id()
    }

    /// Whether it leads a process group of its own.
    pub(crate) fn leads(&self) -> bool {
        self.leads
    }

    /// The environment mark of its descendants, if the program adopts orphans.
    pub(crate) fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// A descriptor that is readable when the child has ended. `None` if it was reaped before it
    /// could be held.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(|pidfd| pidfd.as_fd())
    }

    fn held(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.descriptor().ok_or(Errno::CHILD)
    }

    /// Whether its standard output is this pipe; false if that cannot be determined.
    pub(crate) fn has_as_stdout(&self, pipe: Option<&OwnedFd>) -> bool {
        let own = pipe.map(|pipe| format!("/proc/self/fd/{}", pipe.as_raw_fd()));
        let own = own.and_then(|own| fs::read_link(own).ok());
        // The id is that of the child while the child is unreaped, which is checked below.
        let theirs = fs::read_link(format!("/proc/{}/fd/1", self.id()));
        self.is_pinned() && own.is_some() && theirs.ok() == own
    }

    /// Whether the event loop has seen its end.
    pub(crate) fn exited(&self) -> bool {
        self.exited
    }

    /// Records that its descriptor became readable. Only the event loop calls this, and then does
    /// what is due.
    pub(crate) fn note_exit(&mut self) {
        self.exited = true;
    }

    /// The exit status if it has ended, without reaping it.
    pub(crate) fn peek(&self) -> io::Result<Option<ExitStatus>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let status = waitid(WaitId::PidFd(self.held()?), options)?;
        Ok(status.as_ref().and_then(exit_status))
    }

    /// Whether its id is still its own, since it runs or is a zombie. False if other code in this
    /// program has reaped it.
    pub(crate) fn is_pinned(&self) -> bool {
        self.peek().is_ok()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        let process = self.descriptor().ok_or(Errno::SRCH)?;
        Ok(pidfd_send_signal(process, signal)?)
    }

    /// Sends a signal to its group. Returns false if it has none, or its id may have been reused.
    pub(crate) fn signal_group(&self, signal: Signal) -> bool {
        let has_group = self.leads && self.is_pinned();
        if has_group {
            // An error means that the group is empty, or has only processes of other users.
            let _ = kill_process_group(self.id, signal);
        }
        has_group
    }

    /// Waits for its end and reaps it. From then on its id may be reused, so it must not be
    /// signalled by id. This reaps through the descriptor: if other code has reaped the child
    /// already, its id may be that of another child.
    pub(crate) fn reap(&self) -> io::Result<ExitStatus> {
        loop {
            match waitid(WaitId::PidFd(self.held()?), WaitIdOptions::EXITED) {
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

/// Whether the process is an unreaped child of this program.
fn is_own(process: WaitId<'_>) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(process, options), Err(Errno::CHILD))
}

/// Kills and reaps a child without a descriptor. Its id is known to be its own as of a moment ago.
fn kill_unheld(id: Pid, leads: bool) {
    if leads {
        let _ = kill_process_group(id, Signal::KILL);
    }
    let _ = kill_process(id, Signal::KILL);
    while let Err(Errno::INTR) = waitid(WaitId::Pid(id), WaitIdOptions::EXITED) {}
}

/// The status in the layout of wait(2): the exit code in the second byte, or the signal in the
/// first, with a bit for a core dump.
fn exit_status(status: &WaitIdStatus) -> Option<ExitStatus> {
    let raw = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => (code & 0xff) << 8,
        (None, Some(signal)) => signal | if status.dumped() { 0x80 } else { 0 },
        (None, None) => return None,
    };
    Some(ExitStatus::from_raw(raw))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn assert_every_call_fails(leader: &Leader) {
        assert!(!leader.is_pinned());
        assert!(!leader.signal_group(Signal::KILL));
        assert_eq!(
            leader.signal(Signal::KILL).unwrap_err().raw_os_error(),
            Some(3)
        );
        assert_eq!(leader.peek().unwrap_err().raw_os_error(), Some(10));
        assert_eq!(leader.reap().unwrap_err().raw_os_error(), Some(10));
    }

    #[test]
    fn status_is_lost_if_child_is_reaped_before_it_is_held() {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let leader = Leader::hold(child.id(), true, None).unwrap();
        assert!(leader.exited());
        assert_every_call_fails(&leader);
    }

    #[test]
    fn process_with_reused_id_is_not_signalled() {
        // A grandchild plays the process that reuses the id.
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 60 & echo $!; read -r _; kill $!"]);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let mut line = String::new();
        let mut output = io::BufReader::new(shell.stdout.take().unwrap());
        io::BufRead::read_line(&mut output, &mut line).unwrap();
        let leader = Leader::hold(line.trim().parse().unwrap(), true, None).unwrap();
        assert!(leader.exited());
        assert_every_call_fails(&leader);
        drop(shell.stdin.take());
        // `kill` in the shell fails if the grandchild is gone.
        assert!(shell.wait().unwrap().success());
    }
}
