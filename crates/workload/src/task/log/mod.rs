//! Logs that grow while they are read: the origin server writes them, the tasks follow them, and what they hold can be
//! merged in the order of its time.
//!
//! A log is a file of lines of [`LINE`] bytes: 14 decimal digits that say when, a space, 16 hex digits, the end of the line.
//! The times only rise. They are the log's own and follow from its seed, so that equal logs are equal whenever they are
//! written, and however fast.

mod grow;
mod merge;
mod place;
mod tail;

pub use grow::Growth;
pub use merge::{Lines, Merge};
pub use tail::{LOOK, Tail};

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::exchange::{exchange, patience};
use super::fetch::{FetchError, body_of};

/// Bytes of a line, with its end.
pub const LINE: usize = 32;

/// Digits of a line that say when.
const STAMP: usize = 14;

/// Room for the answer of the origin server: a head and a path.
pub(super) const ANSWER: usize = 4096;

/// A log to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// How long it is in the end: whole lines, at least one.
    pub bytes: u64,
    /// How long it takes to grow, in nanoseconds.
    pub over_ns: u64,
    /// What its lines are made from.
    pub seed: u64,
}

impl Log {
    /// The request for it. The server makes the file, answers with its path, and then lets it grow.
    pub fn request(&self) -> Vec<u8> {
        let Log {
            bytes,
            over_ns,
            seed,
        } = self;
        format!(
            "POST /logs/{bytes}?over_ns={over_ns}&seed={seed:016x} HTTP/1.1\r\nHost: origin\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n"
        )
        .into_bytes()
    }

    /// What a server reads out of a request target, such as `/logs/32768?over_ns=0&seed=000000000000002a`; nothing if it
    /// asks for a log that ends within a line.
    pub fn from_target(target: &str) -> Option<Log> {
        let (bytes, query) = target.strip_prefix("/logs/")?.split_once('?')?;
        let (over, seed) = query.split_once('&')?;
        let log = Log {
            bytes: bytes.parse().ok()?,
            over_ns: over.strip_prefix("over_ns=")?.parse().ok()?,
            seed: u64::from_str_radix(seed.strip_prefix("seed=")?, 16).ok()?,
        };
        (log.bytes > 0 && log.bytes.is_multiple_of(LINE as u64)).then_some(log)
    }

    /// Takes the path out of the server's whole answer: the log can be followed from now on.
    ///
    /// `folder` contains the logs. A path anywhere else is refused.
    ///
    /// # Errors
    ///
    /// If `response` does not have status 200 and the path of a file in that folder.
    pub fn tail(&self, response: Vec<u8>, folder: &Path) -> Result<Tail, FetchError> {
        let path = String::from_utf8(body_of(response)?)
            .map_err(|_| FetchError::Response("the path of the log is not UTF-8".to_owned()))?;
        let path = PathBuf::from(path);
        if !place::is_in(&path, folder) {
            return Err(FetchError::Response(format!(
                "the server names {path:?}, which is not directly in {}, the folder of the inputs: start it with that folder",
                folder.display()
            )));
        }
        Ok(Tail::new(path, self))
    }

    pub(super) fn blocking(&self, server: SocketAddr, folder: &Path) -> Result<Tail, FetchError> {
        let response = exchange(server, &self.request(), ANSWER, self.patience())?;
        self.tail(response, folder)
    }

    /// How long the answer may take. It is sent before the log grows.
    pub(super) fn patience(&self) -> Duration {
        patience(0, 0)
    }
}

/// What a log is to a size that was asked for: the next whole line.
pub(crate) fn whole_lines(bytes: u64) -> u64 {
    bytes.next_multiple_of(LINE as u64).max(LINE as u64)
}

/// The origin server's answer to a request for a log that it has begun at this path.
///
/// # Errors
///
/// If the path is not UTF-8.
pub fn answer(path: &Path) -> io::Result<String> {
    let path = path
        .to_str()
        .ok_or_else(|| io::Error::other("the folder for logs has no UTF-8 name"))?;
    Ok(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{path}",
        path.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: Log = Log {
        bytes: 64,
        over_ns: 1_000,
        seed: 42,
    };

    #[test]
    fn requests_are_read_as_they_were_written() {
        let request = String::from_utf8(LOG.request()).unwrap();
        assert_eq!(
            Log::from_target(request.split(' ').nth(1).unwrap()),
            Some(LOG)
        );
        for bad in [
            "/logs/x?over_ns=1&seed=2",
            "/logs/64?over_ns=1",
            "/logs/0?over_ns=1&seed=2",
            "/logs/65?over_ns=1&seed=2",
            "/bytes/64?delay_ns=1&seed=2",
        ] {
            assert_eq!(Log::from_target(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_answer_is_a_path_or_an_error() {
        let folder = Path::new("/tmp");
        let path = Path::new("/tmp/log-0");
        let tail = LOG.tail(answer(path).unwrap().into_bytes(), folder);
        assert_eq!(tail.unwrap().path(), path);
        let refused = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        let error = LOG.tail(refused.to_vec(), folder).unwrap_err();
        assert!(error.to_string().contains("400"), "{error}");
    }

    #[test]
    fn sizes_become_whole_lines() {
        assert_eq!([0, 1, 32, 33].map(whole_lines), [32, 32, 32, 64]);
    }
}
