//! A worker process: how it is started, watched, killed, and its status collected.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, kill_process_group, pidfd_open,
    pidfd_send_signal, waitid,
};
use rustix::stdio::stderr;

use super::closer;
use super::lane::Lane;
use super::orphans;
use crate::codec::{self, Descriptors};
use crate::program::MARK;
use crate::transport::descriptor::{above_stdio, memory_file, null_output, standard_output};
use crate::transport::mapping::Region;
use crate::transport::socket;
use crate::worker::Config;
use crate::{Exit, Program, lock};

/// How many bytes of the end of standard error are kept.
const TAIL: usize = 16 * 1024;
/// How many bytes of standard error are passed on at once: so many a pipe takes without blocking, if any (`PIPE_BUF`).
const PORTION: usize = 4096;

/// The most messages that are read from a dead worker's socket: more than its buffer holds.
const MOST_LEFT: usize = 1024;
/// How many messages without descriptors may come in a row, as the end of a socket reads like an empty
/// message. The buffer of a socket of the default size holds fewer.
const MOST_EMPTY: usize = 300;

/// How workers of this pool are started.
pub(crate) struct Launch {
    pub(crate) program: Program,
    pub(crate) config: Config,
    /// The buffers in the input of the initializer.
    pub(crate) descriptors: Descriptors,
    pub(crate) capture_stderr: bool,
    pub(crate) name_prefix: String,
}

impl Launch {
    /// Starts a worker. It goes on by itself; whether it ever gets ready shows in its shared memory, or in its death.
    pub(crate) fn start(&self, number: usize) -> io::Result<Lane> {
        let memory = Region::file()?;
        let region = Arc::new(Region::new(&memory)?);
        let event = above_stdio(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)?;
        let parent = above_stdio(pidfd_open(getpid(), PidfdFlags::empty())?)?;
        let mut config = File::from(memory_file("process-pool-config", MemfdFlags::empty())?);
        let mut bytes = Vec::new();
        let named = Config {
            name: format!("{}-{number}", self.name_prefix),
            ..self.config.clone()
        };
        codec::encode(&named, &mut bytes).map_err(io::Error::other)?;
        config.write_all(&bytes)?;
        let (ours, theirs) = socket::pair()?;
        let stdout = standard_output()?;
        let mut sent: Vec<BorrowedFd<'_>> = vec![
            config.as_fd(),
            memory.as_fd(),
            parent.as_fd(),
            event.as_fd(),
            stdout.as_fd(),
        ];
        sent.extend(self.descriptors.iter().map(|descriptor| descriptor.as_fd()));
        // Before it starts: the message waits in the socket.
        socket::send(&ours, &[], &sent, false)?;
        let (pid, pidfd, stderr) = self.spawn(theirs)?;
        let ports = Ports {
            pid,
            pidfd,
            event,
            socket: ours,
            stderr,
            stderr_ended: AtomicBool::new(false),
            tail: Mutex::new(Vec::new()),
            reaped: Mutex::new(Reaped::default()),
            was_killed: AtomicBool::new(false),
        };
        Ok(Lane::new(region, Arc::new(ports), self.config.memory_limit))
    }

    /// Starts the process, with its end of the socket. Returns with it its pidfd, and the pipe of its standard error if
    /// that is captured.
    fn spawn(&self, socket: OwnedFd) -> io::Result<(Pid, OwnedFd, Option<File>)> {
        let mut command = Command::new("/proc/self/exe");
        // Not in a group of its own: the worker sees to that. See `worker/signals.rs`.
        command
            .arg0(MARK)
            .args(self.program.arguments())
            .stdin(Stdio::from(socket));
        if self.program.test.is_some() {
            // libtest greets; the worker puts the real one back.
            command.stdout(null_output()?);
        }
        let mut stderr = None;
        if self.capture_stderr {
            // Neither here nor above one that the standard library opens: it may get the number of a standard descriptor,
            // and would be replaced in the worker before it is put in its place.
            let (reader, writer) = io::pipe()?;
            let reader = above_stdio(reader)?;
            rustix::io::ioctl_fionbio(&reader, true)?;
            stderr = Some(File::from(reader));
            command.stderr(above_stdio(writer)?);
        }
        let mut child = command.spawn()?;
        // Closes our copies of the worker's ends.
        drop(command);
        let pid = Pid::from_child(&child);
        match pidfd_open(pid, PidfdFlags::empty())
            .map_err(io::Error::from)
            .and_then(above_stdio)
        {
            Ok(pidfd) => Ok((pid, pidfd, stderr)),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }
}

/// What there is of a worker process on this side. When it is dropped, the worker is gone and its status collected.
pub(crate) struct Ports {
    pid: Pid,
    pub(crate) pidfd: OwnedFd,
    pub(crate) event: OwnedFd,
    pub(crate) socket: OwnedFd,
    stderr: Option<File>,
    stderr_ended: AtomicBool,
    tail: Mutex<Vec<u8>>,
    /// Whether its status has been collected. Locked while that is done and while it is killed.
    reaped: Mutex<Reaped>,
    was_killed: AtomicBool,
}

/// What is known of a worker's status.
#[derive(Default)]
struct Reaped {
    is_done: bool,
    /// How it ended, if it was collected by the way and nobody has asked for it.
    untold: Option<Exit>,
}

fn exit_of(code: Option<i32>, signal: Option<i32>) -> Exit {
    match (code, signal) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Unknown,
    }
}

impl Ports {
    /// Ends the worker and what it started in its process group. Until its status is collected, its number belongs to
    /// nobody else.
    pub(crate) fn kill(&self) {
        let reaped = lock(&self.reaped);
        if reaped.is_done {
            return;
        }
        self.was_killed.store(true, Ordering::Relaxed);
        // The worker may be gone already.
        let killed = pidfd_send_signal(&self.pidfd, Signal::KILL);
        // If something else in this program has reaped the worker, the number may be a stranger's.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if waitid(WaitId::PidFd(self.pidfd.as_fd()), options).is_ok() {
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
        if killed == Err(Errno::PERM) {
            // This process has dropped its privileges since it started the worker, which ends its group and itself when
            // its socket hangs up.
            let _ = shutdown(&self.socket, Shutdown::Both);
        }
    }

    /// Continues the worker if it is stopped.
    pub(crate) fn go_on(&self) {
        // It may be gone already.
        let _ = pidfd_send_signal(&self.pidfd, Signal::CONT);
    }

    /// The number of the worker's process group, which is the worker's own.
    pub(crate) fn group(&self) -> Pid {
        self.pid
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.was_killed.load(Ordering::Relaxed)
    }

    /// How it ended, or `None` while it lives. This collects its status, so it says so only once.
    pub(crate) fn ended(&self) -> Option<Exit> {
        let mut reaped = lock(&self.reaped);
        let exit = match reaped.untold.take() {
            Some(exit) => Some(exit),
            None => self.collect(WaitIdOptions::EXITED | WaitIdOptions::NOHANG),
        };
        reaped.is_done |= exit.is_some();
        exit
    }

    /// Collects the status of what jobs have left behind in the worker's group, where that has come to this process.
    pub(crate) fn reap_orphans(&self) {
        let mut reaped = lock(&self.reaped);
        if reaped.is_done {
            return;
        }
        // The number is the worker's as long as its own status has not been collected.
        while let Some((pid, status)) = orphans::reap_one(self.pid) {
            if pid == self.pid {
                reaped.is_done = true;
                reaped.untold = Some(exit_of(status.exit_status(), status.terminating_signal()));
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
            // Somebody else was quicker. It does not live then: what lives can be waited for.
            Err(_) => Some(Exit::Unknown),
        }
    }

    /// The pipe of its standard error, while it is captured and open.
    pub(crate) fn stderr(&self) -> Option<BorrowedFd<'_>> {
        if self.stderr_ended.load(Ordering::Relaxed) {
            return None;
        }
        self.stderr.as_ref().map(AsFd::as_fd)
    }

    /// Passes on what it said on standard error, and keeps the end of it. `at_its_end` it does so even if our own standard
    /// error takes nothing at the moment: then what is beyond the end that is kept is lost.
    pub(crate) fn pass_on_stderr(&self, at_its_end: bool) {
        let Some(mut pipe) = self.stderr.as_ref() else {
            return;
        };
        let mut bytes = [0; PORTION];
        // A grandchild may write for ever; others want to be served too.
        for _ in 0..64 {
            let is_open = stderr_takes_some();
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
                    let surplus = tail.len().saturating_sub(TAIL);
                    tail.drain(..surplus);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.stderr_ended.store(true, Ordering::Relaxed),
            }
        }
    }

    /// The last line on standard error that says something, as far as it is captured: a backtrace and the notes below it
    /// come after the words that matter.
    pub(crate) fn last_line(&self) -> Option<String> {
        self.stderr.as_ref()?;
        self.pass_on_stderr(true);
        let tail = lock(&self.tail);
        let text = String::from_utf8_lossy(&tail);
        let says_something = |line: &&str| {
            let aside = ["note: ", "stack backtrace:"];
            !line.trim().is_empty()
                && !line.starts_with(' ')
                && !aside.iter().any(|aside| line.starts_with(aside))
        };
        text.lines().rev().find(says_something).map(str::to_owned)
    }
}

impl Drop for Ports {
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
    for _ in 0..MOST_LEFT {
        let Ok(descriptors) = socket::receive_descriptors(socket) else {
            break;
        };
        empty_in_a_row = if descriptors.is_empty() {
            empty_in_a_row + 1
        } else {
            0
        };
        if empty_in_a_row > MOST_EMPTY {
            break;
        }
        found.extend(descriptors);
    }
    found
}

/// Whether standard error takes something without blocking. Whoever reads it may have stopped.
pub(crate) fn stderr_takes_some() -> bool {
    let mut descriptors = [PollFd::from_borrowed_fd(stderr(), PollFlags::OUT)];
    !matches!(poll(&mut descriptors, Some(&Timespec::default())), Ok(0))
}

/// Not through the standard library, whose lock another thread may hold while it waits for a job.
fn write_to_stderr(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match rustix::io::retry_on_intr(|| rustix::io::write(stderr(), bytes)) {
            Ok(written @ 1..) => bytes = &bytes[written..],
            // A closed standard error is no reason to lose the words altogether.
            _ => return,
        }
    }
}
