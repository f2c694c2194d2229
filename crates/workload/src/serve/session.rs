//! The dialogue on one connection, without any I/O: bytes in, tasks to do, bytes out.

use super::guessing::Guesses;
use crate::definition::types::Talk;
use crate::task::failure::Output;

/// The longest line that is accepted, in bytes without its end; valid lines are shorter.
const LONGEST_LINE: usize = 128;

/// The state of one connection.
///
/// | [`Talk::Tasks`] | answer |
/// |---|---|
/// | `TASK index` | the output of that task, as 16 hex digits |
///
/// | [`Talk::Guess`] | answer |
/// |---|---|
/// | `PARAMS lower upper` | none; a round begins. `PARAMS 0 -1` ends one |
/// | `NUMBER` | the next guess, after the steps of a task |
/// | `REPORT Unsure`, `Warmer`, `Colder` or `Correct` | none; it is about the last guess |
///
/// Anything else gets one line `ERROR …`, which ends the session.
///
/// ```
/// use workload::definition::Talk;
/// use workload::serve::Session;
///
/// let mut session = Session::new(Talk::Tasks, 3);
/// session.receive(b"TASK 2\nTA");
/// assert_eq!(session.next_request(), Some(Some(2)));
/// session.answer(&Ok(42));
/// assert_eq!(session.next_request(), None);
/// assert_eq!(session.take_output(), b"000000000000002a\n");
/// ```
#[derive(Debug)]
pub struct Session {
    talk: Talk,
    tasks: usize,
    /// Bytes that have not been processed yet.
    input: Vec<u8>,
    output: Vec<u8>,
    round: Option<Guesses>,
    open: bool,
}

impl Session {
    /// A new session on a server with this many tasks.
    pub fn new(talk: Talk, tasks: usize) -> Session {
        Session {
            talk,
            tasks,
            input: Vec::new(),
            output: Vec::new(),
            round: None,
            open: true,
        }
    }

    /// Whether the session continues. If not, the output so far is all there is.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Takes in bytes, split in any way.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.open {
            self.input.extend_from_slice(bytes);
        }
    }

    /// The next request: the task to do, or `Some(None)` for any task, since guesses name none.
    /// Call [`answer`](Self::answer) next. `None` if more bytes are needed.
    pub fn next_request(&mut self) -> Option<Option<usize>> {
        while self.open {
            let Some(end) = self.input.iter().position(|byte| *byte == b'\n') else {
                if self.input.len() > LONGEST_LINE {
                    self.fail("a line of more than 128 bytes: end it sooner");
                }
                return None;
            };
            let line: Vec<u8> = self.input.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line[..end]).into_owned();
            match self.line(line.trim_end_matches('\r')) {
                Ok(None) => {}
                Ok(Some(asked)) => return Some(asked),
                Err(why) => self.fail(&why),
            }
        }
        None
    }

    /// Answers the request that [`next_request`](Self::next_request) gave.
    pub fn answer(&mut self, output: &Output) {
        match (output, self.talk) {
            (Err(failure), _) => self.fail(&failure.to_string()),
            (Ok(value), Talk::Tasks) => self.say(&format!("{value:016x}")),
            (Ok(_), Talk::Guess) => match self.round.as_mut().and_then(Guesses::next) {
                Some(guess) => self.say(&guess.to_string()),
                None => self.fail("no number is left: begin another round"),
            },
        }
    }

    /// Takes the bytes to send.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    fn say(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.push(b'\n');
    }

    fn fail(&mut self, why: &str) {
        if self.open {
            self.say(&format!("ERROR {why}"));
            self.open = false;
        }
    }

    /// Processes a line. Returns the request in it, if any.
    fn line(&mut self, line: &str) -> Result<Option<Option<usize>>, String> {
        let words: Vec<&str> = line.split(' ').collect();
        match (self.talk, words.as_slice()) {
            (Talk::Tasks, ["TASK", index]) => {
                let index = index.parse().ok().filter(|index| *index < self.tasks);
                let index = index.ok_or_else(|| format!("a task is 0 to {}", self.tasks - 1))?;
                Ok(Some(Some(index)))
            }
            (Talk::Guess, ["PARAMS", "0", "-1"]) => {
                self.round = None;
                Ok(None)
            }
            (Talk::Guess, ["PARAMS", lower, upper]) => {
                let bounds = lower.parse().ok().zip(upper.parse().ok());
                let (lower, upper) = bounds
                    .filter(|(lower, upper)| lower <= upper)
                    .ok_or("bounds are two whole numbers, the smaller one first")?;
                self.round = Some(Guesses::new(lower, upper));
                Ok(None)
            }
            (Talk::Guess, ["NUMBER"]) => match self.round {
                Some(_) => Ok(Some(None)),
                None => Err("no round has begun: send PARAMS first".to_owned()),
            },
            (Talk::Guess, ["REPORT", word]) => {
                let round = self.round.as_mut();
                if round.is_some_and(|round| round.learn(word)) {
                    Ok(None)
                } else {
                    Err("there is no guess to report on, or no such report".to_owned())
                }
            }
            (Talk::Tasks, _) => Err("send TASK and a number".to_owned()),
            (Talk::Guess, _) => Err("send PARAMS, NUMBER or REPORT".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output of a session for these bytes, and whether it is then open. The value of each task
    /// is its number.
    fn said(talk: Talk, bytes: &[u8]) -> (String, bool) {
        let mut whole = None;
        for size in [usize::MAX, 1, 3] {
            let mut session = Session::new(talk, 5);
            let mut output = Vec::new();
            for piece in bytes.chunks(size.min(bytes.len()).max(1)) {
                session.receive(piece);
                while let Some(asked) = session.next_request() {
                    session.answer(&Ok(asked.unwrap_or(0) as u64));
                }
                output.extend(session.take_output());
            }
            let now = (String::from_utf8(output).expect("text"), session.is_open());
            assert_eq!(
                *whole.get_or_insert_with(|| now.clone()),
                now,
                "in pieces of {size}"
            );
        }
        whole.expect("three sizes")
    }

    #[test]
    fn tasks_are_answered_in_order_and_may_come_together() {
        let answers = said(Talk::Tasks, b"TASK 3\nTASK 0\r\nTASK 4\nTAS");
        let expected = "0000000000000003\n0000000000000000\n0000000000000004\n";
        assert_eq!(answers, (expected.to_owned(), true));
    }

    #[test]
    fn round_is_played() {
        let lines =
            b"PARAMS 1 5\nNUMBER\nREPORT Unsure\nNUMBER\nREPORT Correct\nNUMBER\nPARAMS 0 -1\n";
        assert_eq!(said(Talk::Guess, lines), ("1\n5\n5\n".to_owned(), true));
    }

    #[test]
    fn malformed_line_gets_one_error_and_ends_the_session() {
        for (talk, bytes, why) in [
            (Talk::Tasks, &b"TASK 5\nTASK 1\n"[..], "a task is 0 to 4"),
            (Talk::Tasks, b"TASK x\n", "a task is 0 to 4"),
            (Talk::Tasks, b"NUMBER\n", "send TASK and a number"),
            (Talk::Tasks, &[b'x'; 200], "more than 128 bytes"),
            (Talk::Guess, b"NUMBER\nNUMBER\n", "send PARAMS first"),
            (Talk::Guess, b"PARAMS 2 1\n", "the smaller one first"),
            (
                Talk::Guess,
                b"PARAMS 1 3\nREPORT Warmer\n",
                "no guess to report on",
            ),
            (
                Talk::Guess,
                b"PARAMS 1 3\nNUMBER\nREPORT Hot\n",
                "no such report",
            ),
            (Talk::Guess, b"\xff\n", "send PARAMS, NUMBER or REPORT"),
        ] {
            let (text, open) = said(talk, bytes);
            let last = text.lines().last().unwrap_or_default();
            assert!(
                !open && last.starts_with("ERROR ") && last.contains(why),
                "{text}"
            );
            assert_eq!(text.matches("ERROR").count(), 1);
        }
    }

    #[test]
    fn failed_task_is_an_error_and_ends_the_session() {
        let mut session = Session::new(Talk::Tasks, 1);
        session.receive(b"TASK 0\n");
        assert_eq!(session.next_request(), Some(Some(0)));
        session.answer(&Err(crate::task::Failure::new("no such file")));
        assert_eq!(session.take_output(), b"ERROR no such file\n");
        assert!(!session.is_open());
    }
}
