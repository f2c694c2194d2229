//! A worker process from the parent's side: killing it, reaping it, and forwarding its standard
//! error.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_send_signal, waitid,
};
use rustix::stdio::stderr;

use super::closer;
use super::orphans;
use crate::exit::Exit;
use crate::sync::lock;
use crate::transport::socket;

/// The number of bytes kept from the end of standard error.
const TAIL_BYTES: usize = 16 * 1024;
/// The number of bytes of standard error forwarded at once. A pipe that takes any bytes takes this
/// many without blocking (`PIPE_BUF`).
const CHUNK_BYTES: usize = 4096;

/// The maximum number of messages read from a dead worker's socket: more than its buffer holds.
const MAX_UNREAD: usize = 1024;
/// The maximum number of messages in a row without descriptors, since the end of a socket reads
/// like an empty message. The buffer of a socket of the default size holds fewer.
const MAX_EMPTY: usize = 300;

/// A worker process as its parent holds it. After the drop, the process is gone and reaped.
pub(crate) struct WorkerProcess {
    pid: Pid,
    pub(crate) pidfd: OwnedFd,
    pub(crate) event: OwnedFd,
    pub(crate) socket: OwnedFd,
    stderr: Option<File>,
    stderr_ended: AtomicBool,
    tail: Mutex<Vec<u8>>,
    /// Whether the worker has been reaped. Locked during reaping and killing.
    reaped: Mutex<Reaped>,
    was_killed: AtomicBool,
}

/// Whether and how a worker was reaped.
#[derive(Default)]
struct Reaped {
    is_done: bool,
    /// How it ended, if it was reaped along with orphans and not reported yet.
    unreported: Option<Exit>,
}

fn exit_of(code: Option<i32>, signal: Option<i32>) -> Exit {
    match (code, signal) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Unknown,
    }
}

impl WorkerProcess {
    pub(super) fn new(
        pid: Pid,
        pidfd: OwnedFd,
        event: OwnedFd,
        socket: OwnedFd,
        stderr: Option<File>,
    ) -> Self {
        Self {
            pid,
            pidfd,
            event,
            socket,
            stderr,
            stderr_ended: AtomicBool::new(false),
            tail: Mutex::new(Vec::new()),
            reaped: Mutex::new(Reaped::default()),
            was_killed: AtomicBool::new(false),
        }
    }

    /// Kills the worker and everything in its process group. Until the worker is reaped, its
    /// process number cannot be reused.
    pub(crate) fn kill(&self) {
        let reaped = lock(&self.reaped);
        if reaped.is_done {
            return;
        }
        self.was_killed.store(true, Ordering::Relaxed);
        // The worker may be gone already.
        let killed = pidfd_send_signal(&self.pidfd, Signal::KILL);
        // If another part of this program has reaped the worker, its number may belong to a
        // stranger.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if waitid(WaitId::PidFd(self.pidfd.as_fd()), options).is_ok() {
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
        if killed == Err(Errno::PERM) {
            // This process has dropped its privileges since it started the worker. The worker kills
            // its group and itself when its socket hangs up.
            let _ = shutdown(&self.socket, Shutdown::Both);
        }
    }

    /// Continues the worker if it is stopped.
    pub(crate) fn resume(&self) {
        // It may be gone already.
        let _ = pidfd_send_signal(&self.pidfd, Signal::CONT);
    }

    /// The worker's process group, which has the worker's own number.
    pub(crate) fn group(&self) -> Pid {
        self.pid
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.was_killed.load(Ordering::Relaxed)
    }

    /// How the worker ended, or `None` while it lives. Reaps the worker, so only one call returns
    /// the end.
    pub(crate) fn ended(&self) -> Option<Exit> {
        let mut reaped = lock(&self.reaped);
        let exit = match reaped.unreported.take() {
            Some(exit) => Some(exit),
            None => self.collect(WaitIdOptions::EXITED | WaitIdOptions::NOHANG),
        };
        reaped.is_done |= exit.is_some();
        exit
    }

    /// Reaps orphans in the worker's process group, where they are re-parented to this process.
    pub(crate) fn reap_orphans(&self) {
        let mut reaped = lock(&self.reaped);
        if reaped.is_done {
            return;
        }
        // The number stays the worker's until the worker itself is reaped.
        while let Some((pid, status)) = orphans::reap_one(self.pid) {
            if pid == self.pid {
                reaped.is_done = true;
                reaped.unreported =
                    Some(exit_of(status.exit_status(), status.terminating_signal()));
                return;
            }
        }
    }

    fn collect(&self, options: WaitIdOptions) -> Option<Exit> {
        let status =
            rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(self.pidfd.as_fd()), options));
        match status {
            Ok(None) => None,
            Ok(Some(status)) => Some(exit_of(status.exit_status(), status.terminating_signal())),
            // Another part of the program reaped it, so it is dead: a live child can always be
            // waited for.
            Err(_) => Some(Exit::Unknown),
        }
    }

    /// The pipe of the worker's standard error, while it is captured and open.
    pub(crate) fn stderr(&self) -> Option<BorrowedFd<'_>> {
        if self.stderr_ended.load(Ordering::Relaxed) {
            return None;
        }
        self.stderr.as_ref().map(AsFd::as_fd)
    }

    /// Forwards the worker's standard error and keeps its end. With `at_its_end` it reads on even
    /// if this process's standard error takes nothing at the moment, and then drops everything but
    /// the kept end.
    pub(crate) fn forward_stderr(&self, at_its_end: bool) {
        let Some(mut pipe) = self.stderr.as_ref() else {
            return;
        };
        let mut bytes = [0; CHUNK_BYTES];
        // A grandchild may write endlessly; other workers need service too.
        for _ in 0..64 {
            let is_open = is_stderr_writable();
            if !is_open && !at_its_end {
                return;
            }
            match pipe.read(&mut bytes) {
                Ok(0) => return self.stderr_ended.store(true, Ordering::Relaxed),
                Ok(read) => {
                    if is_open {
                        write_to_stderr(&bytes[..read]);
                    }
                    let mut tail = lock(&self.tail);
                    tail.extend_from_slice(&bytes[..read]);
                    let surplus = tail.len().saturating_sub(TAIL_BYTES);
                    tail.drain(..surplus);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.stderr_ended.store(true, Ordering::Relaxed),
            }
        }
    }

    /// The last meaningful line of the captured standard error: a backtrace and its notes come
    /// after it.
    pub(crate) fn last_line(&self) -> Option<String> {
        self.stderr.as_ref()?;
        self.forward_stderr(true);
        let tail = lock(&self.tail);
        let text = String::from_utf8_lossy(&tail);
        let is_meaningful = |line: &&str| {
            let asides = ["note: ", "stack backtrace:"];
            !line.trim().is_empty()
                && !line.starts_with(' ')
                && !asides.iter().any(|aside| line.starts_with(aside))
        };
        text.lines().rev().find(is_meaningful).map(str::to_owned)
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let is_reaped = lock(&self.reaped).is_done;
        if !is_reaped {
            self.kill();
            self.collect(WaitIdOptions::EXITED);
            orphans::reap_group(self.pid);
        }
        // Dropping the socket would also close the descriptors in its unread messages, on this
        // thread.
        closer::close(unread(&self.socket));
    }
}

/// The descriptors in the messages that a dead worker left in its socket.
fn unread(socket: &OwnedFd) -> Vec<OwnedFd> {
    let mut found = Vec::new();
    let mut empty_in_a_row = 0;
    for _ in 0..MAX_UNREAD {
        let Ok(descriptors) = socket::receive_descriptors(socket) else {
            break;
        };
        empty_in_a_row = if descriptors.is_empty() {
            empty_in_a_row + 1
        } else {
            0
        };
        if empty_in_a_row > MAX_EMPTY {
            break;
        }
        found.extend(descriptors);
    }
    found
}

/// Whether standard error takes bytes without blocking: its reader may have stopped.
pub(crate) fn is_stderr_writable() -> bool {
    let mut descriptors = [PollFd::from_borrowed_fd(stderr(), PollFlags::OUT)];
    !matches!(poll(&mut descriptors, Some(&Timespec::default())), Ok(0))
}

/// Bypasses the standard library, whose lock another thread may hold while it waits for a job.
fn write_to_stderr(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match rustix::io::retry_on_intr(|| rustix::io::write(stderr(), bytes)) {
            Ok(written @ 1..) => bytes = &bytes[written..],
            // Standard error is closed or broken; the bytes are lost.
            _ => return,
        }
    }
}
