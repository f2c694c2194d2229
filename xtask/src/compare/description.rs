//! A table's entry in the results, from its definition.

use workload::definition::{Definition, Pattern};

use crate::results::Workload;

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
