//! The launch of a worker process.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::MemfdFlags;
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

use super::worker_process::WorkerProcess;
use crate::codec::{self, Descriptors};
use crate::program::{Program, WORKER_NAME};
use crate::transport::descriptor::{above_stdio, memory_file, null_output, standard_output};
use crate::transport::mapping::Region;
use crate::transport::socket;
use crate::worker_config::WorkerConfig;

/// How to start the workers of a pool.
pub(crate) struct Launch {
    pub(crate) program: Program,
    pub(crate) config: WorkerConfig,
    /// The buffers in the initializer's input.
    pub(crate) descriptors: Descriptors,
    pub(crate) capture_stderr: bool,
    pub(crate) name_prefix: String,
}

impl Launch {
    /// Starts a worker without waiting for it. Its shared memory, or its death, shows whether it
    /// became ready.
    pub(super) fn start(&self, worker: usize) -> io::Result<(Arc<Region>, Arc<WorkerProcess>)> {
        let memory = Region::file()?;
        let region = Region::new(&memory)?;
        let event = above_stdio(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)?;
        let parent = above_stdio(pidfd_open(getpid(), PidfdFlags::empty())?)?;
        let mut config = File::from(memory_file("process-pool-config", MemfdFlags::empty())?);
        let mut bytes = Vec::new();
        let named = WorkerConfig {
            name: format!("{}-{worker}", self.name_prefix),
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
        // Sent before the process starts: the message waits in the socket.
        socket::send(&ours, &[], &sent, false)?;
        let (pid, pidfd, stderr) = self.spawn(theirs)?;
        let process = WorkerProcess::new(pid, pidfd, event, ours, stderr);
        Ok((Arc::new(region), Arc::new(process)))
    }

    /// Starts the process with its end of the socket. Returns its pidfd, and the pipe of its
    /// standard error if that is captured.
    fn spawn(&self, socket: OwnedFd) -> io::Result<(Pid, OwnedFd, Option<File>)> {
        let mut command = Command::new("/proc/self/exe");
        // Not in a process group of its own: the worker joins one itself. See `worker/signals.rs`.
        command
            .arg0(WORKER_NAME)
            .args(self.program.arguments())
            .stdin(Stdio::from(socket));
        if self.program.test.is_some() {
            // libtest prints a greeting; the worker restores the real standard output.
            command.stdout(null_output()?);
        }
        let mut stderr = None;
        if self.capture_stderr {
            // The standard library must find both ends above the standard descriptors: in the
            // worker it would replace a pipe end with such a number before moving it to its place.
            let (reader, writer) = io::pipe()?;
            let reader = above_stdio(reader)?;
            rustix::io::ioctl_fionbio(&reader, true)?;
            stderr = Some(File::from(reader));
            command.stderr(above_stdio(writer)?);
        }
        let mut child = command.spawn()?;
        // Closes this process's copies of the worker's ends.
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
