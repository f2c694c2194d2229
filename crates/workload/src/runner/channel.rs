//! The private line to the comparison.
//!
//! The first thing a runner does is to move standard input and output to descriptors of its own, which no
//! child inherits, and to put `/dev/null` on 0 and standard error on 1. Whatever a task, a library or a
//! child prints or reads afterwards cannot touch the protocol.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::mpsc;
use std::thread;

use crate::protocol::{Reply, Request};

/// The longest request, in bytes: as long as a reply may be.
const LONGEST_REQUEST: u64 = 1024 * 1024;

/// Requests in, replies out.
#[derive(Debug)]
pub(super) struct Channel {
    requests: mpsc::Receiver<String>,
    replies: File,
}

impl Channel {
    /// Takes over standard input and output and starts the thread that reads.
    pub(super) fn take() -> io::Result<Channel> {
        let (input, replies) = private_descriptors()?;
        let (sender, requests) = mpsc::channel();
        // A thread of its own, since the main thread may be in mid-sample when the comparison goes away.
        thread::Builder::new()
            .name("requests".to_owned())
            .spawn(move || {
                let mut input = BufReader::new(input);
                while let Some(line) = request(&mut input) {
                    // What is no text is no request either, and is answered like one that is not understood.
                    let line = String::from_utf8_lossy(&line).into_owned();
                    // Who says `quit` wants the answers to what was asked before; who just goes away does not.
                    let last = matches!(serde_json::from_str(&line), Ok(Request::Quit));
                    if sender.send(line).is_err() || last {
                        return;
                    }
                }
                std::process::exit(0);
            })?;
        Ok(Channel { requests, replies })
    }

    /// Waits for a line; `None` when there will be none.
    pub(super) fn next_request(&mut self) -> Option<String> {
        self.requests.recv().ok()
    }

    /// Sends a reply as one line in one write.
    pub(super) fn send(&mut self, reply: &Reply) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        self.replies.write_all(&line)
    }
}

/// The next line; `None` at the end of input. A line that is too long is truncated.
fn request(input: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let length = input.take(LONGEST_REQUEST).read_until(b'\n', &mut line);
    if length.ok()? == 0 {
        return None;
    }
    if line.last() != Some(&b'\n') && line.len() as u64 == LONGEST_REQUEST {
        input.skip_until(b'\n').ok()?;
    }
    Some(line)
}

#[cfg(unix)]
fn private_descriptors() -> io::Result<(File, File)> {
    use rustix::io::fcntl_dupfd_cloexec;
    use rustix::stdio::{dup2_stdin, dup2_stdout, stderr, stdin, stdout};
    // From 3 on, so that the standard ones stay free to be replaced.
    let input = fcntl_dupfd_cloexec(stdin(), 3)?;
    let output = fcntl_dupfd_cloexec(stdout(), 3)?;
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(stderr())?;
    Ok((File::from(input), File::from(output)))
}

#[cfg(not(unix))]
fn private_descriptors() -> io::Result<(File, File)> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "runners need a Unix system",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_without_an_end_is_cut() {
        let long = vec![b'x'; 3 * LONGEST_REQUEST as usize];
        let mut input = BufReader::new(&long[..]).chain(&b"\n{}\nlast"[..]);
        assert_eq!(request(&mut input).unwrap().len() as u64, LONGEST_REQUEST);
        assert_eq!(request(&mut input).unwrap(), b"{}\n");
        assert_eq!(request(&mut input).unwrap(), b"last");
        assert_eq!(request(&mut input), None);
    }
}
