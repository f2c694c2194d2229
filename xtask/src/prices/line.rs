//! The lines that the measuring program prints.

use serde::Deserialize;

/// One finding. Names that are not known here are skipped by the judge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line {
    Hot {
        name: String,
        tasks: u64,
        wall_ns: u64,
        cpu_ns: u64,
    },
    Cold {
        name: String,
        wall_ns: u64,
        cpu_ns: u64,
    },
    Paying {
        name: String,
        size_ns: u64,
        wall_ns: u64,
        sequential_ns: u64,
    },
    Memory {
        name: String,
        tasks: u64,
        bytes: u64,
    },
    Failed {
        name: String,
        why: String,
    },
}
