//! The request for a log, its answer, and the format of a log.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::super::exchange::patience;

/// The length of a line with its end.
pub const LINE: usize = 32;

/// The number of digits of a time stamp.
pub(super) const STAMP: usize = 14;

/// Room for the answer of the origin server: a head and a path.
pub(in super::super) const ANSWER: usize = 4096;

/// A log to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// Its final length: whole lines, at least one.
    pub bytes: u64,
    /// How long it takes to grow, in nanoseconds.
    pub over_ns: u64,
    /// The seed of its lines.
    pub seed: u64,
}

impl Log {
    /// The request for it. The server creates the file, answers with its path, and then lets it
    /// grow.
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

    /// Parses a request target, such as `/logs/32768?over_ns=0&seed=000000000000002a`. `None` if
    /// the log would end within a line.
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

    /// The time limit of the answer, which is sent before the log grows.
    pub(in super::super) fn patience(&self) -> Duration {
        patience(0, 0)
    }
}

/// The length of a log for a requested size: rounded up to whole lines.
pub(crate) fn whole_lines(bytes: u64) -> u64 {
    bytes.next_multiple_of(LINE as u64).max(LINE as u64)
}

/// The origin server's answer to a request for a log that it has created at this path.
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
    fn sizes_become_whole_lines() {
        assert_eq!([0, 1, 32, 33].map(whole_lines), [32, 32, 32, 64]);
    }
}
