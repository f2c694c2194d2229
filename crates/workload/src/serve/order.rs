//! A runner's half of a load: it listens, orders, and is told what became of it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::lines::read_line;
use crate::task::Failure;
use crate::value::hex;

/// The longest report, in bytes: a few figures, or a one-line message.
const LONGEST_REPORT: usize = 64 * 1024;

/// Connections that wait to be accepted: with std's 128 the next one would hang.
#[cfg(unix)]
const BACKLOG: i32 = 4096;

/// What the program `load` is to do: one JSON object in one line, on a connection of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The inputs, which also say how many sessions, at what rate, and for how long.
    pub inputs: PathBuf,
    /// Where the server listens.
    pub server: SocketAddr,
}

/// What became of it: one JSON object in one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Report {
    /// All requests were answered rightly.
    Done {
        /// From when the first request was due to the last answer.
        wall_ns: u64,
        /// The digest of the outputs, each task's once.
        #[serde(with = "hex")]
        digest: u64,
        /// `response_p50_ns` and the like.
        metrics: BTreeMap<String, f64>,
    },
    /// They were not, and this is why.
    Failed {
        /// One line.
        error: String,
    },
}

/// A listener on a free loopback port, with room for thousands that wait to be accepted.
///
/// # Errors
/// When there is no port.
pub fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    // A second `listen` sets the backlog anew.
    #[cfg(unix)]
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// A load that was ordered. No thread waits for it: all its connections are closed when it is over, also after an error, so
/// the server ends and then asks what became of it.
#[derive(Debug)]
pub struct Ordered(TcpStream);

impl Order {
    /// Orders the load. It begins at once, and what it connects waits in the backlog until the server accepts.
    ///
    /// # Errors
    /// When the program that makes the load is gone.
    pub fn send(&self, load: SocketAddr) -> Result<Ordered, Failure> {
        let send = || -> io::Result<TcpStream> {
            let mut stream = TcpStream::connect(load)?;
            let mut line = serde_json::to_vec(self)?;
            line.push(b'\n');
            stream.write_all(&line)?;
            Ok(stream)
        };
        send().map(Ordered).map_err(lost)
    }
}

impl Ordered {
    /// What became of it.
    ///
    /// # Errors
    /// When that is not told within `patience`.
    pub fn report(self, patience: Duration) -> Result<Report, Failure> {
        let receive = || -> io::Result<Report> {
            let answer = read_line(&self.0, LONGEST_REPORT, patience)?;
            Ok(serde_json::from_str(&answer)?)
        };
        receive().map_err(lost)
    }
}

fn lost(error: io::Error) -> Failure {
    Failure::new(format_args!("the load was not to be had: {error}"))
}
