//! A table's entry in the results and its share of the budget, from its definition.

use std::time::Duration;

use workload::definition::{Definition, Pattern};

use crate::results::Workload;

/// When requests come is not up to the server, so a sample of one cannot be shorter than they take.
const SHARES_OF_A_SERVER: u32 = 4;

/// The first table's part of the time that is left for these: an equal share, and more for servers.
pub(super) fn share(left: Duration, tables: &[Definition]) -> Duration {
    let shares = |table: &Definition| match table.pattern {
        Pattern::Serve { .. } => SHARES_OF_A_SERVER,
        _ => 1,
    };
    let all: u32 = tables.iter().map(shares).sum();
    let first = tables.first().map_or(0, shares);
    left * first / all.max(1)
}

/// The table's entry in the results.
pub(super) fn of(definition: &Definition, digest: Option<u64>) -> Workload {
    let (rate, sessions) = match definition.pattern {
        Pattern::Serve { rate, sessions, .. } => (Some(rate), Some(sessions)),
        _ => (None, None),
    };
    Workload {
        name: definition.name.clone(),
        pattern: definition.pattern.name().to_owned(),
        tasks: definition.tasks,
        digest: digest.map_or(String::new(), |digest| format!("{digest:016x}")),
        about: definition.about.clone(),
        items: definition.items.clone(),
        seed: definition.seed,
        rate,
        sessions,
    }
}
