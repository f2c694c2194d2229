//! The messages between the comparison and the program `load`: one JSON object per line, on a
//! channel that no contestant has.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Report;

/// A command from the comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Listen on an address for one contestant. Answered by [`Answer::Opened`].
    Open {
        /// The inputs of all loads that are ordered there.
        inputs: PathBuf,
    },
    /// A sample of that contestant begins: one order is accepted. Answered by [`Answer::Begun`].
    Begin {
        /// From [`Answer::Opened`].
        id: u64,
        /// The process of the contestant.
        runner: u32,
    },
    /// The sample is over, and so is its load. Answered by [`Answer::Ended`].
    End {
        /// From [`Answer::Opened`].
        id: u64,
    },
    /// The contestant has gone. Answered by [`Answer::Closed`].
    Close {
        /// From [`Answer::Opened`].
        id: u64,
    },
}

/// An answer from `load`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It listens.
    Opened {
        /// Names the contestant from now on.
        id: u64,
        /// The address that the contestant gets.
        address: SocketAddr,
    },
    /// An order is accepted.
    Begun {
        /// Of the contestant.
        id: u64,
    },
    /// No order is accepted any more.
    Ended {
        /// Of the contestant.
        id: u64,
        /// The verdict; null if no load was ordered.
        report: Option<Report>,
    },
    /// It does not listen any more.
    Closed {
        /// Of the contestant.
        id: u64,
    },
    /// The command makes no sense.
    Refused {
        /// Why.
        why: String,
    },
}
