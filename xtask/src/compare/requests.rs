//! The running program `requests`, which reports to the comparison directly.
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

/// The time limit for an answer: requests that are interrupted close their sessions first.
const PATIENCE: Duration = Duration::from_secs(30);

/// The running program. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Requests {
    child: Child,
    to: UnixStream,
    from: BufReader<UnixStream>,
}

/// The address at which one contestant orders its requests in one of its lives.
#[derive(Debug, Clone, Copy)]
pub(super) struct OrderAddress {
    id: u64,
    /// The address that the contestant is given.
    pub(super) address: SocketAddr,
}

impl Requests {
    /// Starts the program.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub(super) fn start(program: &Path) -> io::Result<Requests> {
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
        Ok(Requests { child, to, from })
    }

    /// Opens an address for a contestant.
    ///
    /// # Errors
    ///
    /// If the process has ended or answers something else. The same holds for the other commands.
    pub(super) fn open(&mut self, inputs: &Path) -> io::Result<OrderAddress> {
        let inputs = inputs.to_owned();
        match self.ask(&Command::Open { inputs })? {
            Answer::Opened { id, address } => Ok(OrderAddress { id, address }),
            other => Err(unexpected(&other)),
        }
    }

    /// Announces that a sample of this contestant begins, whose process id is `runner`.
    pub(super) fn begin(&mut self, orders_to: OrderAddress, runner: u32) -> io::Result<()> {
        match self.ask(&Command::Begin {
            id: orders_to.id,
            runner,
        })? {
            Answer::Begun { id } if id == orders_to.id => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Announces the end of the sample, and returns the report: `None` if nothing was ordered.
    pub(super) fn end(&mut self, orders_to: OrderAddress) -> io::Result<Option<Report>> {
        match self.ask(&Command::End { id: orders_to.id })? {
            Answer::Ended { id, report } if id == orders_to.id => Ok(report),
            other => Err(unexpected(&other)),
        }
    }

    /// Announces that the contestant has ended.
    pub(super) fn close(&mut self, orders_to: OrderAddress) -> io::Result<()> {
        match self.ask(&Command::Close { id: orders_to.id })? {
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

impl Drop for Requests {
    fn drop(&mut self) {
        // Closing its standard input would end it too, but killing is quicker.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unexpected(answer: &Answer) -> io::Error {
    io::Error::other(format!("unexpected answer: {answer:?}"))
}
