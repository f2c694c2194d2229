//! Helper programs that listen: the origin server where something is fetched, the load where requests are served. Started
//! when they are needed, ended with the comparison.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::runner::ours;
use crate::error::Error;

/// A running program of that kind. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Helper {
    child: Child,
    address: SocketAddr,
}

impl Helper {
    /// Starts the program, of which the origin server is told a folder for the logs that it writes, and waits until it
    /// listens.
    ///
    /// # Errors
    ///
    /// When it does not start or does not say where it listens.
    pub(super) fn start(program: &Path, folder: Option<&Path>) -> Result<Helper, Error> {
        let failed = |what: String| Error::Failed(format!("{}: {what}", program.display()));
        let mut child = Command::new(program)
            .args(folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("cannot be started: {error}")))?;
        ours(child.id());
        // A server that ends without a word closes its output, which ends the wait.
        let mut line = String::new();
        let read = match child.stdout.take() {
            Some(stdout) => BufReader::new(stdout.take(100)).read_line(&mut line),
            None => Ok(0),
        };
        match read.map(|_| line.trim().parse()) {
            Ok(Ok(address)) => Ok(Helper { child, address }),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                Err(failed(format!("said {line:?} instead of its address")))
            }
        }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It would end by itself with its standard input; this waits less.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
