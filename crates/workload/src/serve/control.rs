//! The messages between the comparison and the program `requests`: one JSON object per line, on a
//! channel that no contestant has.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::order::Report;

/// A command from the comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Listen on an address for one contestant. Answered by [`Answer::Opened`].
    Open {
        /// The inputs of all orders at this address.
        inputs: PathBuf,
    },
    /// A sample of that contestant begins: one order is accepted. Answered by [`Answer::Begun`].
    Begin {
        /// From [`Answer::Opened`].
        id: u64,
        /// The process of the contestant.
        runner: u32,
    },
    /// The sample is over, and so are its requests. Answered by [`Answer::Ended`].
    End {
        /// From [`Answer::Opened`].
        id: u64,
    },
    /// The contestant has ended. Answered by [`Answer::Closed`].
    Close {
        /// From [`Answer::Opened`].
        id: u64,
    },
}

/// An answer from `requests`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It listens.
    Opened {
        /// The number of the contestant.
        id: u64,
        /// The address that the contestant gets.
        address: SocketAddr,
    },
    /// An order is accepted.
    Begun {
        /// The number of the contestant.
        id: u64,
    },
    /// Orders are no longer accepted.
    Ended {
        /// The number of the contestant.
        id: u64,
        /// The report; null if nothing was ordered.
        report: Option<Report>,
    },
    /// It no longer listens.
    Closed {
        /// The number of the contestant.
        id: u64,
    },
    /// The command is invalid.
    Refused {
        /// The reason.
        why: String,
    },
}
