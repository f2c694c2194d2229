//! The load generator of the pattern `serve`, which reports its verdicts to the comparison
//! directly.
//!
//! Both talk over a socket pair: unlike a pipe, a socket cannot be opened again through `/proc`.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use workload::serve::Report;
use workload::serve::control::{Answer, Command};

use super::runner::ours;

/// The time limit for an answer: a load that is interrupted closes its sessions first.
const PATIENCE: Duration = Duration::from_secs(30);

/// The running load generator. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct LoadProgram {
    child: Child,
    to: UnixStream,
    from: BufReader<UnixStream>,
}

/// The load address of one contestant in one of its lives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Door {
    id: u64,
    /// The address that the contestant is given.
    pub(super) address: SocketAddr,
}

impl LoadProgram {
    /// Starts the load generator.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub(super) fn start(program: &Path) -> io::Result<LoadProgram> {
        let (to, theirs) = UnixStream::pair()?;
        to.set_read_timeout(Some(PATIENCE))?;
        to.set_write_timeout(Some(PATIENCE))?;
        let from = BufReader::new(to.try_clone()?);
        let stdin = Stdio::from(OwnedFd::from(theirs.try_clone()?));
        let child = std::process::Command::new(program)
            .arg("--control")
            .process_group(0)
            .stdin(stdin)
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .spawn()?;
        ours(child.id());
        Ok(LoadProgram { child, to, from })
    }

    /// Opens an address for a contestant.
    ///
    /// # Errors
    ///
    /// If the process has ended or answers something else. The same holds for the other commands.
    pub(super) fn open(&mut self, inputs: &Path) -> io::Result<Door> {
        let inputs = inputs.to_owned();
        match self.ask(&Command::Open { inputs })? {
            Answer::Opened { id, address } => Ok(Door { id, address }),
            other => Err(unexpected(&other)),
        }
    }

    /// Announces that a sample of this contestant begins, whose process id is `runner`.
    pub(super) fn begin(&mut self, door: Door, runner: u32) -> io::Result<()> {
        match self.ask(&Command::Begin {
            id: door.id,
            runner,
        })? {
            Answer::Begun { id } if id == door.id => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Announces the end of the sample, and returns the verdict: `None` if no load was ordered.
    pub(super) fn end(&mut self, door: Door) -> io::Result<Option<Report>> {
        match self.ask(&Command::End { id: door.id })? {
            Answer::Ended { id, report } if id == door.id => Ok(report),
            other => Err(unexpected(&other)),
        }
    }

    /// Announces that the contestant has ended.
    pub(super) fn close(&mut self, door: Door) -> io::Result<()> {
        match self.ask(&Command::Close { id: door.id })? {
            Answer::Closed { .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// The exit status, if the process has ended.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(status.to_string())
    }

    fn ask(&mut self, command: &Command) -> io::Result<Answer> {
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        self.to.write_all(&line)?;
        let mut answer = String::new();
        if self.from.read_line(&mut answer)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for LoadProgram {
    fn drop(&mut self) {
        // Closing its standard input would end it too, but killing is quicker.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unexpected(answer: &Answer) -> io::Error {
    io::Error::other(format!("unexpected answer: {answer:?}"))
}
