//! The child itself, which leads the group.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{self, ExitStatus};

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group,
    pidfd_open, pidfd_send_signal, waitid,
};

use super::Mark;
use crate::descriptor::above_standard;

/// A child that was started and not yet reaped, at least not by this crate.
#[derive(Debug)]
pub(crate) struct Leader {
    id: Pid,
    /// `None` if something else in this program had reaped the child before it could be held. Then
    /// its number may belong to any other process, so it is never signalled.
    process: Option<OwnedFd>,
    /// It leads a process group of its own.
    leads: bool,
    exited: bool,
    mark: Option<Mark>,
    /// The program that started it.
    parent: u32,
}

impl Leader {
    /// Holds a child that was just started. If there is no descriptor left, the child is ended,
    /// with its group.
    pub(crate) fn hold(id: u32, leads: bool, mark: Option<Mark>) -> io::Result<Self> {
        let id = Pid::from_raw(id.cast_signed()).ok_or(Errno::SRCH)?;
        if let Some(mark) = &mark {
            mark.started(id.as_raw_nonzero().get().cast_unsigned());
        }
        let process = match open(id) {
            // The number may have been recycled before the descriptor was opened.
            Ok(process) => is_own(WaitId::PidFd(process.as_fd())).then_some(process),
            Err(_) if !is_own(WaitId::Pid(id)) => None,
            Err(error) => {
                end_unheld(id, leads);
                return Err(error.into());
            }
        };
        if process.is_none() {
            mark.as_ref().inspect(|mark| mark.retire());
        }
        Ok(Self {
            id,
            exited: process.is_none(),
            process,
            leads,
            mark,
            parent: process::id(),
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.id.as_raw_nonzero().get().cast_unsigned()
    }

    /// Whether this is a forked copy of the program that started it, which has to leave it alone.
    pub(crate) fn is_of_another(&self) -> bool {
        self.parent != process::id()
    }

    /// Whether it leads a process group of its own.
    pub(crate) fn leads(&self) -> bool {
        self.leads
    }

    /// What its orphans are told by, where the program adopts them.
    pub(crate) fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// Becomes readable when it ends. `None` if it had ended before it could be held.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.process.as_ref().map(|process| process.as_fd())
    }

    fn held(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.descriptor().ok_or(Errno::CHILD)
    }

    /// Whether its standard output is this pipe. If that cannot be known, it is not.
    pub(crate) fn has_as_stdout(&self, pipe: Option<&OwnedFd>) -> bool {
        let own = pipe.map(|pipe| format!("/proc/self/fd/{}", pipe.as_raw_fd()));
        let own = own.and_then(|own| fs::read_link(own).ok());
        // The number is that of the child as long as the child has not been reaped.
        let theirs = fs::read_link(format!("/proc/{}/fd/1", self.id()));
        self.is_pinned() && own.is_some() && theirs.ok() == own
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
        let status = waitid(WaitId::PidFd(self.held()?), options)?;
        Ok(status.as_ref().and_then(exit_status))
    }

    /// Whether its number is still its own: it runs, or it is a zombie. Not so if something else in this program has
    /// reaped it.
    pub(crate) fn is_pinned(&self) -> bool {
        self.peek().is_ok()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        let process = self.descriptor().ok_or(Errno::SRCH)?;
        Ok(pidfd_send_signal(process, signal)?)
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

fn open(id: Pid) -> Result<OwnedFd, Errno> {
    loop {
        match pidfd_open(id, PidfdFlags::empty()) {
            Err(Errno::INTR) => {}
            result => return result.and_then(above_standard),
        }
    }
}

/// Whether the process is a child of this program that nobody has reaped yet.
fn is_own(process: WaitId<'_>) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(process, options), Err(Errno::CHILD))
}

/// Ends a child for which there is no descriptor. It was seen to be unreaped a moment ago, which is
/// all that is known about its number.
fn end_unheld(id: Pid, leads: bool) {
    if leads {
        let _ = kill_process_group(id, Signal::KILL);
    }
    let _ = kill_process(id, Signal::KILL);
    while let Err(Errno::INTR) = waitid(WaitId::Pid(id), WaitIdOptions::EXITED) {}
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

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn signal_everything(leader: &Leader) {
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
    fn child_reaped_before_it_is_held_has_lost_its_status() {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let leader = Leader::hold(child.id(), true, None).unwrap();
        assert!(leader.exited());
        signal_everything(&leader);
    }

    #[test]
    fn stranger_with_number_of_reaped_child_is_not_signalled() {
        // A grandchild stands for the process that has got the number since.
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 60 & echo $!; read -r _; kill $!"]);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let mut line = String::new();
        let mut output = io::BufReader::new(shell.stdout.take().unwrap());
        io::BufRead::read_line(&mut output, &mut line).unwrap();
        let leader = Leader::hold(line.trim().parse().unwrap(), true, None).unwrap();
        assert!(leader.exited());
        signal_everything(&leader);
        drop(shell.stdin.take());
        // `kill` fails if the stranger had been signalled and was gone.
        assert!(shell.wait().unwrap().success());
    }
}
