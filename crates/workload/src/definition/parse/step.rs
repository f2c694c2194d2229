//! One `[[step]]`: exactly one action, and the tasks that have it.

use super::super::limits::LAST_STAGE;
use super::super::types::{Action, Step};
use super::super::units::{DURATION, SIZE};
use super::amount::{amount, optional_amount};
use super::error::DefinitionError;
use super::name::{NAME_REMEDY, is_name};
use super::nearest::use_one_of;
use super::table::{Entry, Table};

const ACTIONS: [&str; 7] = ["wait", "compute", "fetch", "read", "tail", "exec", "kernel"];
const KEYS: [&str; 13] = [
    "wait", "compute", "fetch", "read", "tail", "exec", "kernel", "delay", "over", "timeout",
    "weight", "kind", "stage",
];

const MAX_WEIGHT: f64 = 1e9;

/// A step as in the file: missing parts are not filled in yet.
pub(super) struct Written<'a> {
    pub(super) step: Step,
    pub(super) weight: Option<Entry<'a>>,
    pub(super) stage: Option<Entry<'a>>,
}

pub(super) fn step<'a>(
    table: &Table<'a>,
    pipeline: bool,
    program_exists: &dyn Fn(&str) -> bool,
) -> Result<Written<'a>, DefinitionError> {
    table.allow(&KEYS)?;
    let action = action(table, program_exists)?;

    let kind = match table.get("kind") {
        Some(entry) => {
            let kind = entry.text(NAME_REMEDY)?;
            if !is_name(kind) {
                return Err(entry.wrong(NAME_REMEDY));
            }
            Some(kind.to_owned())
        }
        None => None,
    };

    let weight = table.get("weight");
    let mut share = 1.0;
    if let Some(entry) = &weight {
        share = entry.number(
            |share| share > 0.0 && share <= MAX_WEIGHT,
            "write a number above 0 and up to 1e9",
        )?;
        if kind.is_none() {
            return Err(entry.misplaced(
                "`weight` is on a step without a `kind`, which every task has",
                "add a `kind`, or remove `weight`",
            ));
        }
    }

    let stage = table.get("stage");
    let mut number = None;
    if let Some(entry) = &stage {
        if !pipeline {
            return Err(entry.misplaced(
                "`stage` is only allowed in a pipeline",
                "remove it, or write pattern = \"pipeline\"",
            ));
        }
        number = Some(entry.whole(0..=LAST_STAGE)? as usize);
    }

    Ok(Written {
        step: Step {
            action,
            kind,
            weight: share,
            stage: number,
        },
        weight,
        stage,
    })
}

fn action(
    table: &Table<'_>,
    program_exists: &dyn Fn(&str) -> bool,
) -> Result<Action, DefinitionError> {
    let entries = table.entries();
    let mut actions = entries.iter().filter(|entry| ACTIONS.contains(&entry.key));
    let Some(entry) = actions.next() else {
        return Err(table.source.error(
            table.span.clone(),
            "this step does nothing",
            format!("give it one of {}", ACTIONS.join(", ")),
        ));
    };
    if let Some(second) = actions.next() {
        return Err(second.misplaced(
            format!("this step has both `{}` and `{}`", entry.key, second.key),
            "write a [[step]] of its own for each",
        ));
    }
    for (guest, host) in [("delay", "fetch"), ("over", "tail"), ("timeout", "exec")] {
        if entry.key != host
            && let Some(guest) = table.get(guest)
        {
            return Err(guest.misplaced(
                format!("`{}` is not allowed with `{}`", guest.key, entry.key),
                format!("move it to a step with `{host}`, or remove it"),
            ));
        }
    }
    match entry.key {
        "wait" => Ok(Action::Wait(amount(entry, &DURATION)?)),
        "compute" => Ok(Action::Compute(amount(entry, &DURATION)?)),
        "fetch" => Ok(Action::Fetch {
            bytes: amount(entry, &SIZE)?,
            delay: optional_amount(table, "delay", &DURATION)?,
        }),
        "read" => Ok(Action::Read(amount(entry, &SIZE)?)),
        "tail" => Ok(Action::Tail {
            bytes: amount(entry, &SIZE)?,
            over: optional_amount(table, "over", &DURATION)?,
        }),
        "exec" => Ok(Action::Exec {
            command: command(entry, program_exists)?,
            timeout: optional_amount(table, "timeout", &DURATION)?,
        }),
        // `ACTIONS` has no other.
        _ => kernel(entry),
    }
}

fn command(
    entry: &Entry<'_>,
    program_exists: &dyn Fn(&str) -> bool,
) -> Result<Vec<String>, DefinitionError> {
    let remedy =
        "write the program and its arguments as non-empty strings, such as [\"sort\", \"-r\"]";
    let mut command = Vec::new();
    for part in entry.array(remedy)? {
        let text = part.text(remedy)?;
        if text.is_empty() {
            return Err(part.wrong(remedy));
        }
        if text.contains('\0') {
            return Err(
                part.wrong_because("no argument can hold a NUL character", "remove the \\u0000")
            );
        }
        if command.is_empty() && !program_exists(text) {
            return Err(part.wrong_because(
                "there is no such program here",
                "install it, correct its name, or write its whole path",
            ));
        }
        command.push(text.to_owned());
    }
    if command.is_empty() {
        return Err(entry.wrong(remedy));
    }
    Ok(command)
}

fn kernel(entry: &Entry<'_>) -> Result<Action, DefinitionError> {
    let kernels = workload_kernels::names();
    let name = entry.text(&use_one_of("", kernels))?;
    if !kernels.contains(&name) {
        return Err(entry.wrong_because("there is no such kernel", use_one_of(name, kernels)));
    }
    Ok(Action::Kernel(name.to_owned()))
}
