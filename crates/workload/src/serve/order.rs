//! The runner's side of the requests of a sample: it listens, orders them and gets a report.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::lines::read_line;
use crate::task::failure::Failure;
use crate::value::hex;

/// The longest report, in bytes: a few figures, or a one-line message.
const LONGEST_REPORT: usize = 64 * 1024;

/// The limit on connections that wait to be accepted. With std's 128, further ones would hang.
#[cfg(unix)]
const BACKLOG: i32 = 4096;

/// An order for the program `requests`: one JSON object in one line, on a connection of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The inputs, which include the number of sessions, the rate and the duration.
    pub inputs: PathBuf,
    /// The address of the server.
    pub server: SocketAddr,
}

/// The report on an order: one JSON object in one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Report {
    /// All answers were right.
    Done {
        /// The time from when the first request was due to the last answer.
        wall_ns: u64,
        /// The digest of the outputs, each task's once.
        #[serde(with = "hex")]
        digest: u64,
        /// Metrics such as `response_p50_ns`.
        metrics: BTreeMap<String, f64>,
    },
    /// An answer was wrong or missing.
    Failed {
        /// The reason, in one line.
        error: String,
    },
}

/// Listens on a free loopback port, with a backlog for thousands of connections.
///
/// # Errors
/// If there is no port.
pub fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    // A second `listen` sets the backlog anew.
    #[cfg(unix)]
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// Requests that were ordered. No thread waits for them: their connections are all closed at the
/// end, also after an error, so the server ends first and then reads the report.
#[derive(Debug)]
pub struct Ordered(TcpStream);

impl Order {
    /// Orders the requests from the program at this address. It begins at once, and its connections
    /// wait in the backlog until the server accepts them.
    ///
    /// # Errors
    /// If that program is gone.
    pub fn send(&self, requests: SocketAddr) -> Result<Ordered, Failure> {
        let send = || -> io::Result<TcpStream> {
            let mut stream = TcpStream::connect(requests)?;
            let mut line = serde_json::to_vec(self)?;
            line.push(b'\n');
            stream.write_all(&line)?;
            Ok(stream)
        };
        send().map(Ordered).map_err(lost)
    }
}

impl Ordered {
    /// The report.
    ///
    /// # Errors
    /// If it does not arrive within `patience`.
    pub fn report(self, patience: Duration) -> Result<Report, Failure> {
        let receive = || -> io::Result<Report> {
            let answer = read_line(&self.0, LONGEST_REPORT, patience)?;
            Ok(serde_json::from_str(&answer)?)
        };
        receive().map_err(lost)
    }
}

fn lost(error: io::Error) -> Failure {
    Failure::new(format_args!("no requests were sent: {error}"))
}
