//! The faults of a contestant, in the words of its row.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a runner gave no usable answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The user interrupted the comparison. Not the runner's fault.
    Interrupted,
    /// A part of the comparison itself is broken. Not the runner's fault either.
    Own(String),
    /// It could not be started.
    Start(io::Error),
    /// It ended when an answer was due.
    Ended {
        /// How.
        status: ExitStatus,
        /// The request that was open.
        request: &'static str,
        /// The last line of its standard error, if any.
        last_words: Option<String>,
    },
    /// It closed its output and lives on.
    Closed {
        /// The request that was open.
        request: &'static str,
    },
    /// It did not answer in time.
    Silent {
        /// The request that was open.
        request: &'static str,
        /// How long was waited.
        patience: Duration,
    },
    /// Its output is no reply.
    Rubbish {
        /// The beginning of it.
        text: String,
        /// Why not.
        why: String,
    },
    /// A reply, but not to what was asked.
    Mismatch {
        /// The request that was open.
        request: &'static str,
        /// The reply.
        reply: String,
    },
    /// A fault in its answer to the first question, who it is.
    Unmet(String),
    /// It said itself that it failed.
    Failed(String),
    /// The answer is there, and is wrong or impossible.
    Wrong(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Interrupted => write!(f, "interrupted"),
            Fault::Start(error) => write!(f, "could not be started: {error}"),
            Fault::Ended {
                status,
                request,
                last_words,
            } => {
                write!(
                    f,
                    "crashed: ended with {status} instead of answering `{request}`"
                )?;
                match last_words {
                    Some(words) => write!(f, "; its last words: {words}"),
                    None => Ok(()),
                }
            }
            Fault::Closed { request } => {
                write!(f, "closed its output instead of answering `{request}`")
            }
            Fault::Silent { request, patience } => {
                write!(
                    f,
                    "hung: no answer to `{request}` within {:.1} s; if it is only slow, wait longer with `--patience`",
                    patience.as_secs_f64()
                )
            }
            Fault::Rubbish { text, why } => write!(f, "printed rubbish: {text:?} ({why})"),
            Fault::Mismatch { request, reply } => write!(f, "answered `{request}` with {reply}"),
            Fault::Unmet(what) | Fault::Own(what) => f.write_str(what),
            Fault::Failed(error) => write!(f, "failed: {}", short(error)),
            Fault::Wrong(what) => write!(f, "wrong answer: {what}"),
        }
    }
}

impl std::error::Error for Fault {}

/// As much of a contestant's own words as a row can bear.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(300).collect()
}
