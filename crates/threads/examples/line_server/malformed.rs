//! The errors that end a session: each says what was wrong and what to send instead.

use std::fmt;
use std::time::Duration;

/// The longest line that is accepted, in bytes without its end. The longest valid one has 48.
pub(crate) const LONGEST_LINE: usize = 128;

/// The reason for an `ERROR`, which ends the session.
#[derive(Debug)]
pub(crate) enum Malformed {
    Command(String),
    Usage(&'static str),
    Number(String),
    NoNumbers(i64, i64),
    NoRound(&'static str),
    NothingGuessed,
    AllGuessed,
    Report(String),
    NotUtf8,
    TooLong,
    HalfALine,
    Idle(Duration),
    ServerEnds,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(line) => {
                write!(f, "unknown command {line}: send PARAMS, NUMBER or REPORT")
            }
            Self::Usage(usage) => write!(
                f,
                "wrong number of words: send {usage}, with one space between words"
            ),
            Self::Number(word) => write!(
                f,
                "{word} is not a number: send a decimal integer of 64 bits"
            ),
            Self::NoNumbers(lower, upper) => write!(
                f,
                "no number lies between {lower} and {upper}: send the lower one first, or PARAMS 0 -1 to end a round"
            ),
            Self::NoRound(command) => write!(
                f,
                "{command} outside a round: send PARAMS lower upper before it"
            ),
            Self::NothingGuessed => {
                f.write_str("nothing was guessed in this round yet: send NUMBER before REPORT")
            }
            Self::AllGuessed => f.write_str(
                "all numbers of this round were guessed: send REPORT Correct when one is right",
            ),
            Self::Report(word) => write!(
                f,
                "unknown report {word}: send Unsure, Warmer, Colder or Correct"
            ),
            Self::NotUtf8 => f.write_str("the line is not UTF-8: send text in that encoding"),
            Self::TooLong => write!(
                f,
                "the line is longer than {LONGEST_LINE} bytes: send shorter ones"
            ),
            Self::HalfALine => {
                f.write_str("the last line has no end: send a newline after every line")
            }
            Self::Idle(time) => write!(
                f,
                "nothing came for {} s: connect again",
                time.as_secs_f64()
            ),
            Self::ServerEnds => f.write_str("the server is ending: connect again later"),
        }
    }
}

/// The client's text in quotes, with control characters escaped, and truncated if it is long.
pub(crate) fn quoted(text: &str) -> String {
    const MOST: usize = 32;
    let cut: String = text.chars().take(MOST).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}
