//! The origin server, which `fetch` and `tail` steps talk to.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::runner::ours;

/// The time limit for answering a trivial request, generous enough for a busy machine.
const PROBE: Duration = Duration::from_secs(10);

/// The time limit for printing the address, as generous as that of `requests`.
const START: Duration = Duration::from_secs(30);

/// The running server. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Origin {
    child: Child,
    address: SocketAddr,
}

impl Origin {
    /// Starts the server with a folder for the logs that it writes, and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it does not start or does not print its address.
    pub(super) fn start(program: &Path, folder: &Path) -> io::Result<Origin> {
        Origin::start_within(START, program, folder)
    }

    fn start_within(limit: Duration, program: &Path, folder: &Path) -> io::Result<Origin> {
        // A socket rather than a pipe: reads from it can be given a time limit.
        let (stdout, theirs) = UnixStream::pair()?;
        stdout.set_read_timeout(Some(limit))?;
        let mut child = Command::new(program)
            .arg(folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .spawn()?;
        ours(child.id());
        // A server that exits silently closes its output, which ends the wait.
        let mut line = String::new();
        let why = match BufReader::new(stdout.take(100)).read_line(&mut line) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                format!("it did not print its address within {limit:?}")
            }
            Err(error) => error.to_string(),
            Ok(_) => match line.trim().parse() {
                Ok(address) => return Ok(Origin { child, address }),
                Err(_) => format!("it printed {line:?} instead of its address"),
            },
        };
        let _ = child.kill();
        let _ = child.wait();
        Err(io::Error::other(why))
    }

    /// The address that it listens on.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Describes the trouble, if any: the server has ended, or does not answer.
    pub(super) fn trouble(&mut self) -> Option<String> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(format!("ended with {status}"));
        }
        let error = self.probe().err()?;
        Some(match self.child.try_wait() {
            Ok(Some(status)) => format!("ended with {status}"),
            _ => format!("does not answer: {error}"),
        })
    }

    fn probe(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect_timeout(&self.address, PROBE)?;
        stream.set_read_timeout(Some(PROBE))?;
        stream.set_write_timeout(Some(PROBE))?;
        stream.write_all(
            b"GET /bytes/8?delay_ns=0&seed=0000000000000000 HTTP/1.1\r\nHost: origin\r\nConnection: close\r\n\r\n",
        )?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        if &answer == b"HTTP/1.1 200" {
            Ok(())
        } else {
            Err(io::Error::other("it answered something else"))
        }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        // Closing its standard input would end it too, but killing is quicker.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_that_prints_no_address_is_given_up() {
        // `sleep 60` prints nothing, and takes the folder for a number of seconds.
        let limit = Duration::from_millis(50);
        let error = Origin::start_within(limit, Path::new("sleep"), Path::new("60")).unwrap_err();
        assert!(error.to_string().contains("within 50ms"), "{error}");
        let error = Origin::start(Path::new("true"), Path::new("")).unwrap_err();
        assert!(error.to_string().contains("printed \"\""), "{error}");
    }
}
