//! Bytes out of a child's output, never blocking.

use std::mem;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::io::Errno;

/// As much as a pipe holds, unless somebody made it larger.
const PIPE: usize = 64 << 10;

/// As large as anybody may make one who has no special rights.
const LARGEST_PIPE: usize = 1 << 20;

/// Room for the output of most programs.
const FIRST: usize = 8 << 10;

/// A longer line comes in pieces.
const LONGEST_LINE: usize = 1 << 20;

/// So much may be read ahead of who asks for lines, whatever the cap is. That happens only while they write as well: else
/// nothing is read as long as there is a line.
const AHEAD: usize = 4 * LONGEST_LINE;

/// The reading end of a pipe and what came through.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    pipe: Option<OwnedFd>,
    bytes: Vec<u8>,
    cap: Option<usize>,
    dropped: u64,
    /// Somebody asks for the lines one by one, so the cap is not for them.
    by_lines: bool,
    /// Bytes that were handed out as lines, at the beginning of `bytes`.
    taken: usize,
    /// Bytes in which there is no line's end but before `taken`.
    searched: usize,
    /// A piece of a line was handed out, and its end was not.
    within_line: bool,
}

/// A line or a piece of one, without the line's end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    /// The line goes on in the next piece.
    pub(crate) continues: bool,
}

impl Drain {
    /// A pipe, which must not block, of which at most `cap` bytes are kept.
    pub(crate) fn of(pipe: OwnedFd, cap: Option<usize>) -> Self {
        Self {
            pipe: Some(pipe),
            cap,
            ..Self::default()
        }
    }

    /// The pipe, until its end.
    pub(crate) fn open(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(|pipe| pipe.as_fd())
    }

    /// Stops reading.
    pub(crate) fn close(&mut self) {
        self.pipe = None;
    }

    /// Keeps nothing from now on.
    pub(crate) fn discard(&mut self) {
        self.take();
        self.cap = Some(0);
    }

    /// How many bytes came after the cap.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What comes is asked for line by line from now on, and thus neither thrown away nor too much.
    pub(crate) fn hand_out(&mut self) {
        self.by_lines = true;
    }

    /// What comes is kept from now on, up to the cap. That holds for what came before as well.
    pub(crate) fn collect(&mut self) {
        self.by_lines = false;
        self.keep_to_cap(0);
    }

    /// What came and was not handed out before.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let mut bytes = mem::take(&mut self.bytes);
        if self.taken > 0 {
            bytes.drain(..self.taken);
        }
        (self.taken, self.searched) = (0, 0);
        self.within_line = false;
        // Many results may be kept, and most are short.
        if bytes.len() < bytes.capacity() / 2 {
            bytes.shrink_to_fit();
        }
        bytes
    }

    /// Reads what is in the pipe now; of one that is filled as fast as it is emptied, so much that others get their turn.
    pub(crate) fn pump(&mut self) {
        self.pump_at_most(4 * PIPE);
    }

    /// Reads what is left in the pipe: nobody will come back to it.
    pub(crate) fn pump_rest(&mut self) {
        self.pump_at_most(2 * LARGEST_PIPE);
    }

    fn pump_at_most(&mut self, mut most: usize) {
        while most > 0 {
            match self.read() {
                0 => return,
                count => most = most.saturating_sub(count),
            }
        }
    }

    fn read(&mut self) -> usize {
        let Some(pipe) = &self.pipe else { return 0 };
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(FIRST);
        } else if self.bytes.capacity() - self.bytes.len() < FIRST {
            self.bytes.reserve(PIPE);
        }
        loop {
            return match rustix::io::read(pipe, spare_capacity(&mut self.bytes)) {
                Ok(0) => {
                    self.pipe = None;
                    0
                }
                Ok(count) => {
                    self.keep_to_cap(count);
                    count
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => 0,
                // A pipe has no other errors that one could wait out.
                Err(_) => {
                    self.pipe = None;
                    0
                }
            };
        }
    }

    /// Throws away what is too much, at the end of which are `fresh` bytes.
    fn keep_to_cap(&mut self, fresh: usize) {
        let Some(cap) = self.cap else { return };
        let most = if self.dropped > 0 {
            // After a gap there is nothing to be joined to what came before it.
            self.bytes.len() - fresh
        } else {
            let cap = if self.by_lines { cap.max(AHEAD) } else { cap };
            // What was handed out as lines takes no room any more.
            self.taken.saturating_add(cap)
        };
        if self.bytes.len() > most {
            self.dropped += (self.bytes.len() - most) as u64;
            self.bytes.truncate(most);
        }
    }

    /// The next line without its end, if it is there. The last one may lack an end; an overlong one
    /// comes in pieces, which end where a character does.
    pub(crate) fn line(&mut self) -> Option<Piece> {
        let from = self.searched.max(self.taken);
        let fresh = &self.bytes[from..];
        let rest = self.bytes.len() - self.taken;
        let (end, skip, continues) = match fresh.iter().position(|byte| *byte == b'\n') {
            Some(place) => (from + place, 1, false),
            None if self.pipe.is_none() && (rest > 0 || self.within_line) => {
                (self.bytes.len(), 0, false)
            }
            None if rest >= LONGEST_LINE => {
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
        // Moved to the front only when that is less than what was handed out: all moves together are linear.
        if self.taken > self.bytes.len() / 2 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.searched = self.taken;
        self.within_line = continues;
        Some(Piece { bytes, continues })
    }
}

/// How many bytes at the end begin a character in UTF-8 that is not complete.
fn incomplete_character(bytes: &[u8]) -> usize {
    const LONGEST: usize = 4;
    let most = bytes.len().min(LONGEST - 1);
    let begun = |back: &usize| bytes[bytes.len() - back] >= 0b1100_0000;
    let Some(back) = (1..=most).find(begun) else {
        return 0;
    };
    // The end of the input is the only reason for which the decoder reports no length.
    match str::from_utf8(&bytes[bytes.len() - back..]) {
        Err(error) if error.error_len().is_none() => back,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(bytes: &[u8], open: bool) -> Drain {
        let (reader, _) = std::io::pipe().unwrap();
        Drain {
            pipe: open.then(|| reader.into()),
            bytes: bytes.to_vec(),
            ..Drain::default()
        }
    }

    fn lines(drain: &mut Drain) -> Vec<String> {
        std::iter::from_fn(|| drain.line())
            .map(|line| String::from_utf8(line.bytes).unwrap())
            .collect()
    }

    #[test]
    fn a_line_is_there_when_its_end_is() {
        let mut drain = holding(b"one\n\ntwo\nthr", true);
        assert_eq!(lines(&mut drain), ["one", "", "two"]);
        drain.bytes.extend(b"ee\nfour");
        assert_eq!(lines(&mut drain), ["three"]);
        drain.close();
        assert_eq!(lines(&mut drain), ["four"]);
        assert_eq!(lines(&mut drain), [""; 0]);
    }

    #[test]
    fn what_was_handed_out_as_lines_is_not_taken_again() {
        let mut drain = holding(b"a\nlonger than what was before it", true);
        assert_eq!(lines(&mut drain), ["a"]);
        assert_eq!(drain.take(), b"longer than what was before it");
    }

    fn piece(length: usize, continues: bool) -> Option<(usize, bool)> {
        Some((length, continues))
    }

    fn next(drain: &mut Drain) -> Option<(usize, bool)> {
        drain.line().map(|line| (line.bytes.len(), line.continues))
    }

    #[test]
    fn overlong_line_comes_in_marked_pieces() {
        let mut drain = holding(&vec![b'x'; LONGEST_LINE + 5], true);
        assert_eq!(next(&mut drain), piece(LONGEST_LINE + 5, true));
        assert_eq!(next(&mut drain), None);
        drain.bytes.extend(b"yy\nzz");
        assert_eq!(next(&mut drain), piece(2, false));
        drain.close();
        assert_eq!(next(&mut drain), piece(2, false));
        assert_eq!(next(&mut drain), None);
    }

    #[test]
    fn last_piece_is_unmarked_if_the_output_ends_after_a_cut() {
        let mut drain = holding(&vec![b'x'; LONGEST_LINE], true);
        assert_eq!(next(&mut drain), piece(LONGEST_LINE, true));
        drain.close();
        assert_eq!(next(&mut drain), piece(0, false));
        assert_eq!(next(&mut drain), None);
    }

    #[test]
    fn piece_of_a_line_ends_where_a_character_does() {
        for cut in ["\u{e9}", "\u{20ac}", "\u{1f980}"] {
            for kept in 1..cut.len() {
                let mut bytes = vec![b'x'; LONGEST_LINE];
                bytes.extend(&cut.as_bytes()[..kept]);
                let mut drain = holding(&bytes, true);
                assert_eq!(next(&mut drain), piece(LONGEST_LINE, true));
                drain.bytes.extend(&cut.as_bytes()[kept..]);
                drain.close();
                assert_eq!(lines(&mut drain), [cut]);
            }
        }
        // Neither text nor the beginning of any.
        let bytes = vec![0xff; LONGEST_LINE];
        assert_eq!(next(&mut holding(&bytes, true)), piece(LONGEST_LINE, true));
    }

    #[test]
    fn no_more_than_the_cap_is_kept_and_the_rest_is_counted() {
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
