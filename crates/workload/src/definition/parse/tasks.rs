//! Checks that need all steps: the weight of each kind, and the stages of a pipeline.

use std::collections::HashMap;

use super::super::limits::{MOST_ARGUMENT_BYTES, MOST_STEPS};
use super::super::types::{Action, Step, argument_bytes};
use super::error::DefinitionError;
use super::step::Written;
use super::table::{Entry, grouped};

/// The steps with every weight and stage filled in.
pub(super) fn complete(
    mut written: Vec<Written<'_>>,
    pipeline: bool,
) -> Result<Vec<Step>, DefinitionError> {
    share_weights(&mut written)?;
    if pipeline {
        assign_stages(&mut written)?;
    }
    Ok(written.into_iter().map(|written| written.step).collect())
}

/// Checks that each task follows one log, as a merge requires.
pub(super) fn one_log(written: &Entry<'_>, steps: &[Step]) -> Result<(), DefinitionError> {
    let mut logs = steps
        .iter()
        .filter(|step| matches!(step.action, Action::Tail { .. }));
    match (logs.next(), logs.next()) {
        (Some(Step { kind: None, .. }), None) => Ok(()),
        _ => Err(written.wrong_because(
            "it takes one log from each task",
            "give it one [[step]] with `tail`, without a `kind`",
        )),
    }
}

/// Checks that all tasks together fit the memory of every runner. `tasks` is the entry with the
/// number of tasks.
pub(super) fn fit_memory(
    tasks: &Entry<'_>,
    count: u64,
    steps: &[Step],
) -> Result<(), DefinitionError> {
    let per_task = most_of_a_task(steps, |_| 1);
    let all = count.saturating_mul(per_task);
    if all > MOST_STEPS {
        return Err(tasks.wrong_because(
            &format!(
                "{} tasks of {} steps are {} steps",
                grouped(count),
                grouped(per_task),
                grouped(all)
            ),
            format!(
                "keep to {} steps in all, such as {} tasks",
                grouped(MOST_STEPS),
                grouped(MOST_STEPS / per_task)
            ),
        ));
    }
    let per_task = most_of_a_task(steps, |step| match &step.action {
        Action::Exec { command, .. } => argument_bytes(command),
        _ => 0,
    });
    let all = count.saturating_mul(per_task);
    if all > MOST_ARGUMENT_BYTES {
        return Err(tasks.wrong_because(
            &format!(
                "{} tasks whose programs and arguments take {} bytes are {} bytes",
                grouped(count),
                grouped(per_task),
                grouped(all)
            ),
            format!(
                "keep to {} bytes in all, such as {} tasks",
                grouped(MOST_ARGUMENT_BYTES),
                grouped((MOST_ARGUMENT_BYTES / per_task).max(1))
            ),
        ));
    }
    Ok(())
}

/// The sum over the steps of one task, for the kind of task with the largest sum.
fn most_of_a_task(steps: &[Step], of_step: impl Fn(&Step) -> u64) -> u64 {
    let mut of_all = 0;
    let mut of_kind: HashMap<&str, u64> = HashMap::new();
    for step in steps {
        match step.kind.as_deref() {
            None => of_all += of_step(step),
            Some(kind) => *of_kind.entry(kind).or_default() += of_step(step),
        }
    }
    of_all + of_kind.into_values().max().unwrap_or(0)
}

/// Fills in the weights: a kind has one, which any of its steps may specify; 1 by default.
fn share_weights(written: &mut [Written<'_>]) -> Result<(), DefinitionError> {
    let mut weights: HashMap<String, f64> = HashMap::new();
    for Written { step, weight, .. } in &*written {
        if let (Some(kind), Some(entry)) = (&step.kind, weight) {
            let first = *weights.entry(kind.clone()).or_insert(step.weight);
            if first != step.weight {
                return Err(entry.wrong_because(
                    &format!("kind \"{kind}\" already has the weight {first}"),
                    "give the weight of a kind once, or the same each time",
                ));
            }
        }
    }
    for Written { step, .. } in written {
        if let Some(weight) = step.kind.as_ref().and_then(|kind| weights.get(kind)) {
            step.weight = *weight;
        }
    }
    Ok(())
}

/// Fills in missing stages, refuses an order that no task could follow, and closes gaps.
///
/// If no step has a stage, each step of a task is a stage of its own. If some have one, the others
/// belong to the stage of the step before them in the same task. Stages are then numbered from 0
/// without gaps, so that no model runs a stage that does nothing.
fn assign_stages(written: &mut [Written<'_>]) -> Result<(), DefinitionError> {
    let none_named = written.iter().all(|written| written.stage.is_none());
    // The last stage so far: of all tasks, of the steps that every task has, and of each kind.
    let (mut last_of_any, mut last_of_all) = (None, None);
    let mut last_of_kind: HashMap<String, usize> = HashMap::new();
    for Written { step, stage, .. } in &mut *written {
        let before = match &step.kind {
            Some(kind) => last_of_all.max(last_of_kind.get(kind).copied()),
            None => last_of_any,
        };
        if let (Some(here), Some(before), Some(entry)) = (step.stage, before, stage)
            && here < before
        {
            return Err(entry.wrong_because(
                &format!("a step before it in the same task is in stage {before}"),
                "put the steps in the order of their stages",
            ));
        }
        let here = match (step.stage, before) {
            (Some(here), _) => here,
            (None, Some(before)) if none_named => before + 1,
            (None, before) => before.unwrap_or(0),
        };
        step.stage = Some(here);
        last_of_any = last_of_any.max(Some(here));
        match &step.kind {
            Some(kind) => {
                last_of_kind.insert(kind.clone(), here);
            }
            None => last_of_all = Some(here),
        }
    }

    let mut used: Vec<usize> = written
        .iter()
        .filter_map(|written| written.step.stage)
        .collect();
    used.sort_unstable();
    used.dedup();
    for Written { step, .. } in written {
        step.stage = step.stage.and_then(|stage| used.binary_search(&stage).ok());
    }
    Ok(())
}
