//! The server's side of the protocol, without any I/O: bytes in, bytes out.
//!
//! | line | answer |
//! |---|---|
//! | `PARAMS lower upper` | none; it begins a round, and ends the current one |
//! | `PARAMS 0 -1` | none; it ends the round |
//! | `NUMBER` | the next guess |
//! | `REPORT Unsure`, `Warmer`, `Colder` or `Correct` | none; it rates the last guess |
//!
//! Lines are UTF-8, at most [`LONGEST_LINE`] bytes long, and end in a newline, optionally after a
//! carriage return. Words are separated by one space, numbers fit an `i64`. Anything else gets one
//! line `ERROR …` and ends the session.

use std::time::Duration;

use crate::guesses::{Guesses, Report};
use crate::malformed::{LONGEST_LINE, Malformed, quoted};

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct Session {
    /// The beginning of an incomplete line.
    begun: Vec<u8>,
    round: Option<Guesses>,
    open: bool,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self {
            begun: Vec::new(),
            round: None,
            open: true,
        }
    }

    /// Whether the session continues. If not, the output so far is all there is.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Processes bytes from the client, split in any way, and appends the answers to `output`.
    pub(crate) fn receive(&mut self, mut bytes: &[u8], output: &mut Vec<u8>) {
        while self.open && !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            // The byte after the longest line may be a carriage return.
            if self.begun.len() + piece.len() > LONGEST_LINE + 1 {
                return self.fail(&Malformed::TooLong, output);
            }
            if end.is_none() {
                self.begun.extend_from_slice(piece);
                return;
            }
            bytes = &bytes[piece.len() + 1..];
            let answered = if self.begun.is_empty() {
                self.line(piece, output)
            } else {
                let mut line = std::mem::take(&mut self.begun);
                line.extend_from_slice(piece);
                self.line(&line, output)
            };
            if let Err(malformed) = answered {
                self.fail(&malformed, output);
            }
        }
    }

    /// The client will send no more. All its complete lines have been answered; an incomplete one
    /// is malformed.
    pub(crate) fn client_ended(&mut self, output: &mut Vec<u8>) {
        if self.open && !self.begun.is_empty() {
            self.fail(&Malformed::HalfALine, output);
        }
        self.open = false;
    }

    /// The client sent nothing for this long.
    pub(crate) fn client_is_idle(&mut self, time: Duration, output: &mut Vec<u8>) {
        self.fail(&Malformed::Idle(time), output);
    }

    /// The server shuts down and cannot wait any longer.
    pub(crate) fn server_ends(&mut self, output: &mut Vec<u8>) {
        self.fail(&Malformed::ServerEnds, output);
    }

    fn fail(&mut self, malformed: &Malformed, output: &mut Vec<u8>) {
        if self.open {
            self.open = false;
            output.extend_from_slice(format!("ERROR {malformed}\n").as_bytes());
        }
    }

    fn line(&mut self, line: &[u8], output: &mut Vec<u8>) -> Result<(), Malformed> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LONGEST_LINE {
            return Err(Malformed::TooLong);
        }
        let line = std::str::from_utf8(line).map_err(|_| Malformed::NotUtf8)?;
        let mut words = line.split(' ');
        let command = words.next().unwrap_or_default();
        let arguments: Vec<&str> = words.collect();
        match (command, arguments.as_slice()) {
            ("PARAMS", ["0", "-1"]) => self.round = None,
            ("PARAMS", [lower, upper]) => {
                let (lower, upper) = (number(lower)?, number(upper)?);
                if lower > upper {
                    return Err(Malformed::NoNumbers(lower, upper));
                }
                self.round = Some(Guesses::new(lower, upper));
            }
            ("NUMBER", []) => {
                let round = self.round.as_mut().ok_or(Malformed::NoRound("NUMBER"))?;
                let guess = round.next().ok_or(Malformed::AllGuessed)?;
                output.extend_from_slice(format!("{guess}\n").as_bytes());
            }
            ("REPORT", [word]) => {
                let report =
                    Report::from_word(word).ok_or_else(|| Malformed::Report(quoted(word)))?;
                let round = self.round.as_mut().ok_or(Malformed::NoRound("REPORT"))?;
                if !round.learn(report) {
                    return Err(Malformed::NothingGuessed);
                }
            }
            ("PARAMS", _) => return Err(Malformed::Usage("PARAMS lower upper")),
            ("NUMBER", _) => return Err(Malformed::Usage("NUMBER")),
            ("REPORT", _) => return Err(Malformed::Usage("REPORT and one word")),
            _ => return Err(Malformed::Command(quoted(line))),
        }
        Ok(())
    }
}

fn number(word: &str) -> Result<i64, Malformed> {
    word.parse().map_err(|_| Malformed::Number(quoted(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output of a session for these bytes and then their end, and whether it was still open
    /// before that end.
    fn answers(bytes: &[u8]) -> (String, bool) {
        let mut whole = (Vec::new(), true);
        for size in [usize::MAX, 1, 3] {
            let mut session = Session::new();
            let mut output = Vec::new();
            for piece in bytes.chunks(size.min(bytes.len()).max(1)) {
                session.receive(piece, &mut output);
            }
            let open = session.is_open();
            session.client_ended(&mut output);
            assert!(!session.is_open());
            if size == usize::MAX {
                whole = (output, open);
            } else {
                assert_eq!((&output, open), (&whole.0, whole.1), "in pieces of {size}");
            }
        }
        (String::from_utf8(whole.0).unwrap(), whole.1)
    }

    #[track_caller]
    fn refused(bytes: &[u8], because: &str) {
        let (said, open) = answers(bytes);
        assert!(!open, "still open after {said:?}");
        let last = said.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("ERROR ") && last.contains(because) && said.ends_with('\n'),
            "{said:?}"
        );
    }

    #[test]
    fn round_is_played() {
        let (said, open) = answers(
            b"PARAMS 1 5\nNUMBER\nREPORT Unsure\nNUMBER\nREPORT Unsure\nNUMBER\nREPORT Correct\nNUMBER\nPARAMS 0 -1\n",
        );
        assert_eq!((said.as_str(), open), ("1\n5\n2\n2\n", true));
    }

    #[test]
    fn carriage_return_before_newline_is_ignored() {
        assert_eq!(answers(b"PARAMS 7 9\r\nNUMBER\r\n"), ("7\n".into(), true));
    }

    #[test]
    fn params_replace_the_current_round() {
        let said = answers(b"PARAMS 7 9\nNUMBER\nPARAMS -3 -3\nNUMBER\nPARAMS 0 -1\nPARAMS 0 -1\n");
        assert_eq!(said, ("7\n-3\n".into(), true));
        let bounds = format!("PARAMS {} {}\nNUMBER\n", i64::MIN, i64::MAX);
        assert_eq!(
            answers(bounds.as_bytes()),
            (format!("{}\n", i64::MIN), true)
        );
    }

    #[test]
    fn malformed_line_gets_one_error_and_ends_the_session() {
        for (bytes, because) in [
            (&b"HELLO\n"[..], "unknown command \"HELLO\""),
            (b"\n", "unknown command \"\""),
            (b"number\n", "unknown command \"number\""),
            (b" NUMBER\n", "unknown command"),
            (b"PARAMS 1\n", "send PARAMS lower upper"),
            (b"PARAMS 1  5\n", "one space"),
            (b"PARAMS 1 x\n", "\"x\" is not a number"),
            (b"PARAMS 1 9223372036854775808\n", "64 bits"),
            (b"PARAMS 5 1\n", "between 5 and 1"),
            (b"NUMBER\n", "NUMBER outside a round"),
            (b"REPORT Unsure\n", "REPORT outside a round"),
            (b"PARAMS 1 5\nPARAMS 0 -1\nNUMBER\n", "outside a round"),
            (b"PARAMS 1 5\nREPORT Unsure\n", "nothing was guessed"),
            (
                b"PARAMS 1 5\nNUMBER\nREPORT warmer\n",
                "unknown report \"warmer\"",
            ),
            (b"PARAMS 1 5\nNUMBER\nREPORT\n", "wrong number of words"),
            (b"NUMBER 1\n", "wrong number of words"),
            (b"PARAMS 1 1\nNUMBER\nNUMBER\n", "all numbers"),
            (b"PARAMS 1 \xff\n", "not UTF-8"),
        ] {
            refused(bytes, because);
        }
        assert_eq!(
            answers(b"X\nPARAMS 1 5\nNUMBER\n").0.lines().count(),
            1,
            "nothing after it"
        );
    }

    #[test]
    fn too_long_line_is_refused_before_its_end() {
        refused(&[b'x'; LONGEST_LINE + 2], "longer than 128 bytes");
        refused(
            &[&[b'x'; LONGEST_LINE + 1][..], b"\n"].concat(),
            "longer than 128 bytes",
        );
        refused(
            &[&[b'x'; LONGEST_LINE][..], b"\r\n"].concat(),
            "unknown command",
        );
    }

    #[test]
    fn incomplete_line_at_the_end_is_malformed() {
        assert_eq!(answers(b"PARAMS 7 9\nNUMBER\n"), ("7\n".into(), true));
        let (said, open) = answers(b"PARAMS 7 9\nNUMBER");
        assert!(
            open && said.starts_with("ERROR the last line has no end"),
            "{said}"
        );
        assert_eq!(answers(b""), (String::new(), true));
    }

    #[test]
    fn only_the_first_error_is_sent() {
        let mut session = Session::new();
        let mut output = Vec::new();
        session.client_is_idle(Duration::from_millis(1500), &mut output);
        session.server_ends(&mut output);
        assert_eq!(output, b"ERROR nothing came for 1.5 s: connect again\n");
    }

    #[test]
    fn quoted_text_stays_within_the_line() {
        let (said, _) = answers("\u{1b}[31m\t\u{7f}\u{85}…\n".as_bytes());
        assert_eq!(said.lines().count(), 1);
        assert!(
            said.chars().filter(|char| char.is_control()).eq(['\n']),
            "{said:?}"
        );
    }
}
