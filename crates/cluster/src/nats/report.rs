//! [`Entry`]: what a worker reports to a caller. A message holds one or more.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codec::encode;
use crate::frames;
use crate::order::Outcome;
use crate::reason::Reason;

/// A report about one job.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) head: Head<'a>,
    pub(super) outcomes: Vec<Outcome>,
}

/// The head of a report. The outcomes follow if the job has ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Head<'a> {
    pub(super) id: u64,
    pub(super) nonce: u64,
    /// How often the server had delivered the job.
    pub(super) delivery: u64,
    #[serde(borrow)]
    pub(super) news: News<'a>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum News<'a> {
    /// The job was begun, or still runs. If no more is heard for this long, its worker is lost.
    Runs { silence_ms: u32 },
    Ended {
        ran_us: u64,
        /// The subject that acknowledges the job. The caller does it: it has the result then.
        ack: &'a str,
        count: u32,
        /// The object that holds the outcomes, if they are too large for a message.
        object: Option<&'a str>,
    },
}

const DONE: u8 = 0;
const NOT_RUN: u8 = 1;
const PANICKED: u8 = 2;
const TIMED_OUT: u8 = 3;
const INPUT: u8 = 4;
const OUTPUT: u8 = 5;
const LOST: u8 = 6;
const FAILED: u8 = 7;

/// Appends the head of a report.
pub(super) fn append_head(head: &Head<'_>, bytes: &mut Vec<u8>) {
    // It cannot fail: the types are plain, and memory is the only limit.
    let _ = encode(head, bytes);
}

/// Appends the outcomes of a job.
pub(super) fn append_outcomes(outcomes: &[Outcome], bytes: &mut Vec<u8>) {
    for outcome in outcomes {
        let (tag, text);
        let content: &[u8] = match outcome {
            Outcome::Done(output) => {
                tag = DONE;
                output
            }
            Outcome::NotRun => {
                tag = NOT_RUN;
                &[]
            }
            Outcome::Failed(reason) => {
                (tag, text) = flattened(reason);
                text.as_bytes()
            }
        };
        bytes.push(tag);
        frames::push(bytes, content);
    }
}

/// The longest text of a reason that travels.
const MAX_TEXT: usize = 4_096;

fn flattened(reason: &Reason) -> (u8, String) {
    let (tag, mut text) = match reason {
        Reason::Panicked(panic) => (PANICKED, panic.message().to_owned()),
        Reason::TimedOut(limit) => (TIMED_OUT, limit.as_micros().to_string()),
        Reason::Input(why) => (INPUT, why.clone()),
        Reason::Output(why) => (OUTPUT, why.clone()),
        Reason::WorkerLost => (LOST, String::new()),
        Reason::Failed(why) => (FAILED, why.clone()),
    };
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or_default());
    }
    (tag, text)
}

fn reason(tag: u8, text: &str) -> Option<Reason> {
    Some(match tag {
        PANICKED => Reason::panicked(text.to_owned()),
        TIMED_OUT => Reason::TimedOut(Duration::from_micros(text.parse().ok()?)),
        INPUT => Reason::Input(text.to_owned()),
        OUTPUT => Reason::Output(text.to_owned()),
        LOST => Reason::WorkerLost,
        FAILED => Reason::Failed(text.to_owned()),
        _ => return None,
    })
}

/// Splits the first report off. `None` if it is malformed.
pub(super) fn next<'a>(bytes: &mut &'a [u8]) -> Option<Entry<'a>> {
    let (head, rest) = postcard::take_from_bytes::<Head<'a>>(bytes).ok()?;
    *bytes = rest;
    let outcomes = match head.news {
        News::Ended {
            count,
            object: None,
            ..
        } => take_outcomes(count, bytes)?,
        _ => Vec::new(),
    };
    Some(Entry { head, outcomes })
}

/// Splits `count` outcomes off. `None` if one is malformed.
pub(super) fn take_outcomes(count: u32, bytes: &mut &[u8]) -> Option<Vec<Outcome>> {
    // A forged count must not reserve memory.
    let mut outcomes = Vec::with_capacity((count as usize).min(bytes.len()));
    for _ in 0..count {
        let (&tag, rest) = bytes.split_first()?;
        *bytes = rest;
        let content = frames::next(bytes)?;
        outcomes.push(match tag {
            DONE => Outcome::Done(content.to_vec()),
            NOT_RUN => Outcome::NotRun,
            _ => Outcome::Failed(reason(tag, std::str::from_utf8(content).ok()?)?),
        });
    }
    Some(outcomes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Vec<u8> {
        let mut bytes = Vec::new();
        let runs = Head {
            id: 1,
            nonce: 2,
            delivery: 1,
            news: News::Runs { silence_ms: 5_000 },
        };
        append_head(&runs, &mut bytes);
        let ended = Head {
            id: 3,
            nonce: 4,
            delivery: 2,
            news: News::Ended {
                ran_us: 5,
                ack: "$JS.ACK.x",
                count: 3,
                object: None,
            },
        };
        append_head(&ended, &mut bytes);
        let limit = Duration::from_millis(7);
        let outcomes = [
            Outcome::Done(vec![9; 3]),
            Outcome::Failed(Reason::TimedOut(limit)),
            Outcome::NotRun,
        ];
        append_outcomes(&outcomes, &mut bytes);
        bytes
    }

    #[test]
    fn reports_come_back_in_order() {
        let bytes = message();
        let mut rest = &bytes[..];
        let first = next(&mut rest).expect("it is sound");
        assert!(matches!(first.head.news, News::Runs { silence_ms: 5_000 }));
        let second = next(&mut rest).expect("it is sound");
        assert!(rest.is_empty());
        assert!(matches!(
            &second.outcomes[..],
            [Outcome::Done(bytes), Outcome::Failed(Reason::TimedOut(_)), Outcome::NotRun]
                if bytes == &[9; 3]
        ));
    }

    #[test]
    fn truncated_reports_are_refused() {
        let bytes = message();
        for length in 0..bytes.len() {
            let mut rest = &bytes[..length];
            while !rest.is_empty() && next(&mut rest).is_some() {}
        }
        assert!(take_outcomes(u32::MAX, &mut &bytes[..]).is_none());
    }
}
