//! A table's entry in the results, from its definition.

use workload::definition::{Action, Definition, Pattern};
use workload::job::About;

use crate::results::Workload;

/// The table's entry in the results.
pub(super) fn of(definition: &Definition, digest: Option<u64>, job: Option<About>) -> Workload {
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
        job: calls_job(definition),
        unrepeatable: calls_job(definition) && job.is_some_and(|job| !job.repeatable),
    }
}

/// Whether its tasks call the function of a job.
pub(super) fn calls_job(definition: &Definition) -> bool {
    let mut steps = definition.steps.iter();
    steps.any(|step| matches!(step.action, Action::Job))
}
