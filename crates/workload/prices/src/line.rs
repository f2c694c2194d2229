//! The lines that this program prints: one JSON object each.

use std::io::{self, Write as _};

use serde::Serialize;

/// One finding.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    /// Tasks that were handed over back to back.
    Hot {
        name: &'a str,
        tasks: usize,
        wall_ns: u64,
        cpu_ns: u64,
    },
    /// One task after a pause.
    Cold {
        name: &'a str,
        wall_ns: u64,
        cpu_ns: u64,
    },
    /// Tasks of a size, done by the model and by a loop of calls.
    Paying {
        name: &'a str,
        size_ns: u64,
        wall_ns: u64,
        sequential_ns: u64,
    },
    /// Resident memory of one task that is handed over and not done.
    Memory {
        name: &'a str,
        tasks: usize,
        bytes: u64,
    },
    /// The reason why there is no price.
    Failed { name: &'a str, why: &'a str },
}

impl Line<'_> {
    /// Prints the line.
    ///
    /// # Errors
    /// As writing to standard output.
    pub(crate) fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, self)?;
        out.write_all(b"\n")?;
        out.flush()
    }
}
