//! The private channel to the comparison.
//!
//! First, a runner moves standard input and output to descriptors of its own, which no child
//! inherits, and puts `/dev/null` on 0 and standard error on 1. After that, nothing that a task, a
//! library or a child prints or reads can affect the protocol.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::mpsc;
use std::thread;

use crate::answers::take_stdout;
use crate::protocol::{Reply, Request};
use crate::task::failure::Failure;

/// The longest request, in bytes: as long as a reply may be.
const LONGEST_REQUEST: u64 = 1024 * 1024;

/// The channel: requests in, replies out.
#[derive(Debug)]
pub(super) struct Channel {
    requests: mpsc::Receiver<Result<String, Failure>>,
    replies: File,
}

impl Channel {
    /// Takes over standard input and output, and starts the thread that reads requests.
    pub(super) fn take() -> io::Result<Channel> {
        let (input, replies) = private_descriptors()?;
        let (sender, requests) = mpsc::channel();
        // It is a thread of its own, since the main thread may be in a sample when the comparison
        // goes away.
        thread::Builder::new()
            .name("requests".to_owned())
            .spawn(move || {
                let mut input = BufReader::new(input);
                while let Some(line) = request(&mut input) {
                    // After `quit`, earlier requests are still answered; after the end of input
                    // they are not.
                    let request = line.as_ref().map(|line| serde_json::from_str(line));
                    let last = matches!(request, Ok(Ok(Request::Quit)));
                    if sender.send(line).is_err() || last {
                        return;
                    }
                }
                std::process::exit(0);
            })?;
        Ok(Channel { requests, replies })
    }

    /// Waits for a line; `None` at the end. A line that is too long or not UTF-8 is a failure.
    pub(super) fn next_request(&mut self) -> Option<Result<String, Failure>> {
        self.requests.recv().ok()
    }

    /// Sends a reply as one line in one write.
    pub(super) fn send(&mut self, reply: &Reply) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        self.replies.write_all(&line)
    }
}

/// The next line; `None` at the end of input. A line that is too long is skipped: its beginning
/// could be a valid request, but not the one that was sent.
fn request(input: &mut impl BufRead) -> Option<Result<String, Failure>> {
    let mut line = Vec::new();
    let limited = &mut input.take(LONGEST_REQUEST + 1);
    if limited.read_until(b'\n', &mut line).ok()? == 0 {
        return None;
    }
    if line.len() as u64 > LONGEST_REQUEST {
        if line.last() != Some(&b'\n') {
            input.skip_until(b'\n').ok()?;
        }
        let why = format!("it is longer than {LONGEST_REQUEST} bytes");
        return Some(Err(not_a_request(why)));
    }
    Some(String::from_utf8(line).map_err(not_a_request))
}

/// The failure for a line that is not understood.
pub(super) fn not_a_request(why: impl fmt::Display) -> Failure {
    Failure::new(format_args!("this is not a request: {why}"))
}

#[cfg(unix)]
fn private_descriptors() -> io::Result<(File, File)> {
    use rustix::io::fcntl_dupfd_cloexec;
    use rustix::stdio::{dup2_stdin, stdin};
    // From 3 on, so that the standard descriptors stay free.
    let input = fcntl_dupfd_cloexec(stdin(), 3)?;
    dup2_stdin(File::open("/dev/null")?)?;
    Ok((File::from(input), take_stdout()?))
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

    const LONG: usize = LONGEST_REQUEST as usize;

    #[test]
    fn request_without_an_end_is_skipped() {
        let long = vec![b'x'; 3 * LONG];
        let mut input = BufReader::new(&long[..]).chain(&b"\n{}\nlast"[..]);
        let error = request(&mut input).unwrap().unwrap_err();
        assert!(error.to_string().contains("longer than 1048576"), "{error}");
        assert_eq!(request(&mut input), Some(Ok("{}\n".to_owned())));
        assert_eq!(request(&mut input), Some(Ok("last".to_owned())));
        assert_eq!(request(&mut input), None);
    }

    #[test]
    fn request_with_a_long_tail_of_blanks_is_refused() {
        let quit = r#""quit""#;
        for (length, is_whole) in [
            (LONG, true),
            (LONG + 1, false),
            (LONG + 2, false),
            (2 * LONG, false),
        ] {
            let blanks = " ".repeat(length - quit.len() - 1);
            let line = format!("{quit}{blanks}\n");
            let mut input = line.as_bytes().chain(&b"next"[..]);
            let first = request(&mut input).unwrap();
            assert_eq!(first.is_ok(), is_whole, "{length}");
            assert_eq!(request(&mut input), Some(Ok("next".to_owned())), "{length}");
        }
    }

    #[test]
    fn request_that_is_not_text_is_refused() {
        // With a replacement for the invalid character, this would name another file.
        let mut input = &b"{\"inputs\":\"\xff\"}\n{}"[..];
        let error = request(&mut input).unwrap().unwrap_err();
        assert!(
            error.to_string().contains("this is not a request"),
            "{error}"
        );
        assert_eq!(request(&mut input), Some(Ok("{}".to_owned())));
    }
}
