//! The non-blocking reader of a child's output.

use std::mem;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::pipe::fcntl_setpipe_size;

/// The default capacity of a pipe.
const PIPE_BYTES: usize = 64 << 10;

/// The capacity that the pipe of much output is given. The kernel bounds the pages of all pipes of
/// a user, so each takes only a fraction of what it may.
const PIPE_BYTES_ENLARGED: usize = 256 << 10;

/// The largest capacity that an unprivileged process can give a pipe.
const PIPE_BYTES_MAX: usize = 1 << 20;

/// The initial capacity of the buffer, enough for the output of most programs.
const INITIAL_BYTES: usize = 8 << 10;

/// A longer line is returned in pieces.
const LINE_BYTES_MAX: usize = 1 << 20;

/// The most bytes buffered ahead of a caller that reads lines, whatever the cap is. It matters only
/// while that caller also writes; otherwise nothing is read while a line is buffered.
const READ_AHEAD_BYTES: usize = 4 * LINE_BYTES_MAX;

/// The reading end of a pipe, and the bytes read from it.
#[derive(Debug, Default)]
pub(crate) struct OutputReader {
    pipe: Option<OwnedFd>,
    bytes: Vec<u8>,
    cap: Option<usize>,
    dropped: u64,
    /// The caller reads lines, to which the cap does not apply.
    by_lines: bool,
    /// The number of bytes at the start of `bytes` that were returned as lines.
    taken: usize,
    /// The length of the prefix of `bytes` without a line end after `taken`.
    searched: usize,
    /// A piece of a line was returned, but not its end.
    within_line: bool,
    /// The pipe has been given a larger capacity, or that was refused.
    enlarged: bool,
}

/// A line, or a piece of a long one, without its line end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    /// The line continues in the next piece.
    pub(crate) continues: bool,
}

impl OutputReader {
    /// A reader that keeps at most `cap` bytes. The pipe must be non-blocking.
    pub(crate) fn new(pipe: OwnedFd, cap: Option<usize>) -> Self {
        Self {
            pipe: Some(pipe),
            cap,
            ..Self::default()
        }
    }

    /// The pipe, until its end was read.
    pub(crate) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(|pipe| pipe.as_fd())
    }

    /// Stops reading.
    pub(crate) fn close(&mut self) {
        self.pipe = None;
    }

    /// Discards what was read and all that follows.
    pub(crate) fn discard(&mut self) {
        self.take();
        self.cap = Some(0);
    }

    /// The number of discarded bytes.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Buffers output for a caller that reads lines, without the cap.
    pub(crate) fn read_by_lines(&mut self) {
        self.by_lines = true;
    }

    /// Captures output, up to the cap, which also applies to what is buffered.
    pub(crate) fn capture(&mut self) {
        self.by_lines = false;
        self.keep_to_cap(0);
    }

    /// Takes the bytes that were read and not returned as lines.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let mut bytes = mem::take(&mut self.bytes);
        if self.taken > 0 {
            bytes.drain(..self.taken);
        }
        (self.taken, self.searched) = (0, 0);
        self.within_line = false;
        // A caller may keep many results, and most are short.
        if bytes.len() < bytes.capacity() / 2 {
            bytes.shrink_to_fit();
        }
        bytes
    }

    /// Reads until the pipe is empty. If the child writes as fast as this reads, it stops after a
    /// few pipes full, so that other work gets its turn.
    pub(crate) fn pump(&mut self) {
        self.pump_at_most(4 * PIPE_BYTES);
    }

    /// Reads the rest of the pipe for good, even if it is as large as a pipe can be.
    pub(crate) fn pump_rest(&mut self) {
        self.pump_at_most(2 * PIPE_BYTES_MAX);
    }

    fn pump_at_most(&mut self, mut budget: usize) {
        while budget > 0 {
            match self.read() {
                0 => return,
                count => budget = budget.saturating_sub(count),
            }
        }
    }

    fn read(&mut self) -> usize {
        let Some(pipe) = &self.pipe else { return 0 };
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(INITIAL_BYTES);
        } else if self.bytes.capacity() - self.bytes.len() < INITIAL_BYTES {
            self.bytes.reserve(PIPE_BYTES);
        }
        loop {
            return match rustix::io::read(pipe, spare_capacity(&mut self.bytes)) {
                Ok(0) => {
                    self.pipe = None;
                    0
                }
                Ok(count) => {
                    if count >= PIPE_BYTES / 2 && !self.enlarged {
                        self.enlarged = true;
                        // The child waits less often for room. Where it is refused, as by the
                        // limit of a user, the pipe stays as it is.
                        let _ = fcntl_setpipe_size(pipe, PIPE_BYTES_ENLARGED);
                    }
                    self.keep_to_cap(count);
                    count
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => 0,
                // Other errors of a pipe are permanent.
                Err(_) => {
                    self.pipe = None;
                    0
                }
            };
        }
    }

    /// Discards the bytes beyond the cap. The last `fresh` bytes were read just now.
    fn keep_to_cap(&mut self, fresh: usize) {
        let Some(cap) = self.cap else { return };
        let most = if self.dropped > 0 {
            // Nothing is kept after a gap, so that it is not joined to the bytes before.
            self.bytes.len() - fresh
        } else {
            let cap = if self.by_lines {
                cap.max(READ_AHEAD_BYTES)
            } else {
                cap
            };
            // Bytes returned as lines do not count.
            self.taken.saturating_add(cap)
        };
        if self.bytes.len() > most {
            self.dropped += (self.bytes.len() - most) as u64;
            self.bytes.truncate(most);
        }
    }

    /// The next buffered line without its line end. The last line may lack a line end. An overlong
    /// line is returned in pieces that end at character boundaries.
    pub(crate) fn line(&mut self) -> Option<Piece> {
        let from = self.searched.max(self.taken);
        let fresh = &self.bytes[from..];
        let rest = self.bytes.len() - self.taken;
        let (end, skip, continues) = match fresh.iter().position(|byte| *byte == b'\n') {
            Some(position) => (from + position, 1, false),
            None if self.pipe.is_none() && (rest > 0 || self.within_line) => {
                (self.bytes.len(), 0, false)
            }
            None if rest >= LINE_BYTES_MAX => {
                let cut = incomplete_character(&self.bytes[self.taken..]);
                (self.bytes.len() - cut, 0, true)
            }
            None => {
                self.searched = self.bytes.len();
                return None;
            }
        };
        let bytes = self.bytes[self.taken..end].to_vec();
        self.taken = end + skip;
        // Moving only when less than half remains keeps the total cost linear.
        if self.taken > self.bytes.len() / 2 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.searched = self.taken;
        self.within_line = continues;
        Some(Piece { bytes, continues })
    }
}

/// The number of bytes at the end that are an incomplete UTF-8 character.
fn incomplete_character(bytes: &[u8]) -> usize {
    const CHARACTER_BYTES_MAX: usize = 4;
    let most = bytes.len().min(CHARACTER_BYTES_MAX - 1);
    let begun = |back: &usize| bytes[bytes.len() - back] >= 0b1100_0000;
    let Some(back) = (1..=most).find(begun) else {
        return 0;
    };
    // The decoder reports no error length only if the input ends too early.
    match str::from_utf8(&bytes[bytes.len() - back..]) {
        Err(error) if error.error_len().is_none() => back,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(bytes: &[u8], open: bool) -> OutputReader {
        let (reader, _) = std::io::pipe().unwrap();
        OutputReader {
            pipe: open.then(|| reader.into()),
            bytes: bytes.to_vec(),
            ..OutputReader::default()
        }
    }

    fn lines(drain: &mut OutputReader) -> Vec<String> {
        std::iter::from_fn(|| drain.line())
            .map(|line| String::from_utf8(line.bytes).unwrap())
            .collect()
    }

    #[test]
    fn line_is_returned_once_its_end_is_read() {
        let mut drain = holding(b"one\n\ntwo\nthr", true);
        assert_eq!(lines(&mut drain), ["one", "", "two"]);
        drain.bytes.extend(b"ee\nfour");
        assert_eq!(lines(&mut drain), ["three"]);
        drain.close();
        assert_eq!(lines(&mut drain), ["four"]);
        assert_eq!(lines(&mut drain), [""; 0]);
    }

    #[test]
    fn take_skips_bytes_returned_as_lines() {
        let mut drain = holding(b"a\nlonger than what was before it", true);
        assert_eq!(lines(&mut drain), ["a"]);
        assert_eq!(drain.take(), b"longer than what was before it");
    }

    fn piece(length: usize, continues: bool) -> Option<(usize, bool)> {
        Some((length, continues))
    }

    fn next(drain: &mut OutputReader) -> Option<(usize, bool)> {
        drain.line().map(|line| (line.bytes.len(), line.continues))
    }

    #[test]
    fn overlong_line_is_returned_in_marked_pieces() {
        let mut drain = holding(&vec![b'x'; LINE_BYTES_MAX + 5], true);
        assert_eq!(next(&mut drain), piece(LINE_BYTES_MAX + 5, true));
        assert_eq!(next(&mut drain), None);
        drain.bytes.extend(b"yy\nzz");
        assert_eq!(next(&mut drain), piece(2, false));
        drain.close();
        assert_eq!(next(&mut drain), piece(2, false));
        assert_eq!(next(&mut drain), None);
    }

    #[test]
    fn last_piece_is_unmarked_if_output_ends_after_a_piece() {
        let mut drain = holding(&vec![b'x'; LINE_BYTES_MAX], true);
        assert_eq!(next(&mut drain), piece(LINE_BYTES_MAX, true));
        drain.close();
        assert_eq!(next(&mut drain), piece(0, false));
        assert_eq!(next(&mut drain), None);
    }

    #[test]
    fn piece_of_line_ends_at_a_character_boundary() {
        for cut in ["\u{e9}", "\u{20ac}", "\u{1f980}"] {
            for kept in 1..cut.len() {
                let mut bytes = vec![b'x'; LINE_BYTES_MAX];
                bytes.extend(&cut.as_bytes()[..kept]);
                let mut drain = holding(&bytes, true);
                assert_eq!(next(&mut drain), piece(LINE_BYTES_MAX, true));
                drain.bytes.extend(&cut.as_bytes()[kept..]);
                drain.close();
                assert_eq!(lines(&mut drain), [cut]);
            }
        }
        // Not the beginning of any character.
        let bytes = vec![0xff; LINE_BYTES_MAX];
        assert_eq!(
            next(&mut holding(&bytes, true)),
            piece(LINE_BYTES_MAX, true)
        );
    }

    #[test]
    fn bytes_beyond_the_cap_are_counted_and_discarded() {
        let mut drain = holding(&[b'x'; 100], true);
        drain.cap = Some(30);
        drain.keep_to_cap(100);
        assert_eq!((drain.bytes.len(), drain.dropped()), (30, 70));
        assert_eq!(lines(&mut drain), [""; 0]);
        drain.bytes.extend(b"\nafter the gap\n");
        drain.keep_to_cap(15);
        assert_eq!((drain.bytes.len(), drain.dropped()), (30, 85));
    }
}
