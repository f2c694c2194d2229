//! Buffers for a runner's output.

use std::collections::VecDeque;
use std::io::{self, Read};

/// A reply is short; whoever prints more without a line break prints rubbish.
const LONGEST_LINE: usize = 1 << 20;

/// As much of standard error as is kept for an error row.
const LAST_WORDS: usize = 4096;

/// Lines out of bytes that come in any pieces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: Vec<u8>,
}

impl Lines {
    /// Reads what is there. `Ok(false)` at the end of the stream.
    pub(super) fn read_from(&mut self, mut stream: impl Read) -> io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        loop {
            match stream.read(&mut chunk) {
                Ok(0) => return Ok(false),
                Ok(count) => self.buffer.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if self.buffer.len() > LONGEST_LINE {
                return Ok(true);
            }
        }
    }

    /// The next whole line, without its line break.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        line.pop();
        Some(line)
    }

    /// The bytes without a line break, if they are more than any line may have.
    pub(super) fn overlong(&self) -> Option<&[u8]> {
        (self.buffer.len() > LONGEST_LINE).then_some(&self.buffer)
    }

    /// Whether no whole line stands there.
    pub(super) fn is_dry(&self) -> bool {
        !self.buffer.contains(&b'\n')
    }

    /// Whatever stands there.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer
    }
}

/// The end of a stream.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    all: u64,
}

impl Tail {
    /// Reads what is there and keeps the end of it. False at the end of the stream.
    pub(super) fn read_from(&mut self, mut stream: impl Read) -> bool {
        let mut chunk = [0; 4096];
        // Bounded, so that a runner which never stops printing cannot keep the comparison here.
        for _ in 0..64 {
            match stream.read(&mut chunk) {
                Ok(0) => return false,
                Ok(count) => {
                    self.bytes.extend(&chunk[..count]);
                    self.all += count as u64;
                    let surplus = self.bytes.len().saturating_sub(LAST_WORDS);
                    self.bytes.drain(..surplus);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// The number of bytes read so far.
    pub(super) fn all(&self) -> u64 {
        self.all
    }

    /// The line that says most: a panic's message where there is one, else the last line.
    pub(super) fn last_words(&self) -> Option<String> {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let panic = lines
            .iter()
            .position(|line| line.contains("panicked at"))
            .and_then(|at| lines.get(at + 1));
        panic
            .or(lines.last())
            .map(|line| line.chars().take(200).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_arrive() {
        let mut lines = Lines::default();
        for piece in ["on", "e\ntw", "o\n\nthree"] {
            lines.read_from(piece.as_bytes()).unwrap();
        }
        assert_eq!(lines.take().as_deref(), Some(&b"one"[..]));
        assert_eq!(lines.take().as_deref(), Some(&b"two"[..]));
        assert_eq!(lines.take().as_deref(), Some(&b""[..]));
        assert_eq!(lines.take(), None);
        assert_eq!(lines.rest(), b"three");
    }

    #[test]
    fn endless_lines_are_noticed() {
        let mut lines = Lines::default();
        lines.read_from(io::repeat(b'x')).unwrap();
        assert!(lines.overlong().is_some());
    }

    #[test]
    fn last_words_are_the_message_of_a_panic_or_the_last_line() {
        let words = |text: &str| {
            let mut tail = Tail::default();
            tail.read_from(text.as_bytes());
            tail.last_words()
        };
        assert_eq!(words(""), None);
        assert_eq!(words("a\nb\n\n").as_deref(), Some("b"));
        let panic = "thread 'main' panicked at src/main.rs:1:2:\nno luck\nnote: run with `RUST_BACKTRACE=1`\n";
        assert_eq!(words(panic).as_deref(), Some("no luck"));
    }
}
