//! The server's side of the protocol, without any I/O: bytes in, bytes out.
//!
//! | line | answer |
//! |---|---|
//! | `PARAMS lower upper` | none; a round begins, and one under way is over |
//! | `PARAMS 0 -1` | none; the round is over |
//! | `NUMBER` | the next guess |
//! | `REPORT Unsure`, `Warmer`, `Colder` or `Correct` | none; it is about the last guess |
//!
//! Lines are UTF-8, at most [`LONGEST_LINE`] bytes, and end in a newline, before which a carriage return may stand. Words
//! are separated by one space each, numbers fit an `i64`. All else gets one line `ERROR …` and is the end of the session.

use std::time::Duration;

use crate::guesses::{Guesses, Report};
use crate::malformed::{Malformed, quoted};

/// Bytes of a line without its end. The longest that means something has 48.
pub(crate) const LONGEST_LINE: usize = 128;

/// One connection's conversation.
#[derive(Debug)]
pub(crate) struct Session {
    /// The beginning of a line whose end has not come yet.
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

    /// Whether to go on. If not, what was put out last is the last word.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Takes in bytes of the client, in pieces of any length, and appends the answers to `output`.
    pub(crate) fn receive(&mut self, mut bytes: &[u8], output: &mut Vec<u8>) {
        while self.open && !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            // One more than the longest may be a carriage return.
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

    /// The client will send no more. All that it asked has been answered; half a line is malformed.
    pub(crate) fn client_ended(&mut self, output: &mut Vec<u8>) {
        if self.open && !self.begun.is_empty() {
            self.fail(&Malformed::HalfALine, output);
        }
        self.open = false;
    }

    /// The client was silent for this long.
    pub(crate) fn client_is_idle(&mut self, time: Duration, output: &mut Vec<u8>) {
        self.fail(&Malformed::Idle(time), output);
    }

    /// The server ends and cannot wait any longer.
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

    /// What a session says to these bytes and then the end of them, and whether it was still open before that end.
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
    fn a_round_is_played() {
        let (said, open) = answers(
            b"PARAMS 1 5\nNUMBER\nREPORT Unsure\nNUMBER\nREPORT Unsure\nNUMBER\nREPORT Correct\nNUMBER\nPARAMS 0 -1\n",
        );
        assert_eq!((said.as_str(), open), ("1\n5\n2\n2\n", true));
    }

    #[test]
    fn a_carriage_return_may_stand_before_the_newline() {
        assert_eq!(answers(b"PARAMS 7 9\r\nNUMBER\r\n"), ("7\n".into(), true));
    }

    #[test]
    fn rounds_follow_one_another_and_the_last_params_count() {
        let said = answers(b"PARAMS 7 9\nNUMBER\nPARAMS -3 -3\nNUMBER\nPARAMS 0 -1\nPARAMS 0 -1\n");
        assert_eq!(said, ("7\n-3\n".into(), true));
        let bounds = format!("PARAMS {} {}\nNUMBER\n", i64::MIN, i64::MAX);
        assert_eq!(
            answers(bounds.as_bytes()),
            (format!("{}\n", i64::MIN), true)
        );
    }

    #[test]
    fn what_is_malformed_gets_one_line_and_ends_the_session() {
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
    fn a_line_too_long_is_refused_before_its_end_comes() {
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
    fn at_the_end_half_a_line_is_malformed_and_a_whole_one_is_not() {
        assert_eq!(answers(b"PARAMS 7 9\nNUMBER\n"), ("7\n".into(), true));
        let (said, open) = answers(b"PARAMS 7 9\nNUMBER");
        assert!(
            open && said.starts_with("ERROR the last line has no end"),
            "{said}"
        );
        assert_eq!(answers(b""), (String::new(), true));
    }

    #[test]
    fn an_error_is_said_once() {
        let mut session = Session::new();
        let mut output = Vec::new();
        session.client_is_idle(Duration::from_millis(1500), &mut output);
        session.server_ends(&mut output);
        assert_eq!(output, b"ERROR nothing came for 1.5 s: connect again\n");
    }

    #[test]
    fn what_the_client_said_stays_within_the_line() {
        let (said, _) = answers("\u{1b}[31m\t\u{7f}\u{85}…\n".as_bytes());
        assert_eq!(said.lines().count(), 1);
        assert!(
            said.chars().filter(|char| char.is_control()).eq(['\n']),
            "{said:?}"
        );
    }
}
