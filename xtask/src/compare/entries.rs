//! The cells of a table: who takes part, how, and with how many workers.

use std::collections::BTreeMap;

use workload::definition::Definition;
use workload::protocol::{Concurrency, Variant};

use super::contestant::{Contestant, SEQUENTIAL};
use super::description::calls_job;
use super::referee::Rehearsal;
use super::sizing::{self, Asked};
use crate::cli::{CompareArgs, workers};
use crate::error::Error;
use crate::packages::Declared;

/// The second edition's number of an Item is this much lower than the third's.
const EDITIONS_APART: u8 = 15;

/// The first Item of the third edition that the project is about.
const FIRST_OF_THIRD: u8 = 67;

/// One cell to be measured.
#[derive(Debug, Clone)]
pub(super) struct Entry<'c> {
    /// Who.
    pub(super) contestant: &'c Contestant,
    /// How.
    pub(super) variant: Variant,
    /// With how many workers, or how many tasks at once where the model limits them itself; 0 where
    /// neither is a number.
    pub(super) workers: usize,
    /// Whether the number of workers follows from how much the tasks wait.
    pub(super) sized: bool,
    /// Whether the user named the model, or the workload shows the variant.
    pub(super) named: bool,
}

impl Entry<'_> {
    /// The reason to leave the cell out if the model has its price per task, and that many tasks,
    /// each counted once per generation, are more than its manifest allows.
    pub(super) fn too_many(&self, tasks: usize) -> Option<String> {
        let most = self.contestant.declared.most_tasks?;
        (!self.named && tasks > most).then(|| {
            format!(
                "{tasks} tasks at its price for each teach nothing, over {most} it is left out unless it is named: add `--model {}`",
                self.contestant.name
            )
        })
    }
}

/// Inputs that take more than this many times a task are the figure of a model that makes them for
/// each.
const MOSTLY_INPUTS: u32 = 10;

impl Entry<'_> {
    /// The reason to leave the cell out if the model starts a process for each task of a job, and
    /// that process would spend its time on making the inputs again.
    pub(super) fn remakes_inputs(&self, rehearsal: &Rehearsal, tasks: usize) -> Option<String> {
        self.contestant.declared.most_tasks?;
        let each = rehearsal.each();
        let mostly = rehearsal.inputs > each.saturating_mul(MOSTLY_INPUTS)
            && rehearsal.inputs.as_secs_f64() * tasks as f64 > 1.0;
        (!self.named && mostly).then(|| {
            format!(
                "each of its {tasks} processes would make the inputs again, {:.1} ms beside {:.3} ms of the function: make \
                 cheap inputs, such as a number or a path, or add `--model {}`",
                rehearsal.inputs.as_secs_f64() * 1e3,
                each.as_secs_f64() * 1e3,
                self.contestant.name
            )
        })
    }
}

/// The numbers of workers that the user asked for.
#[derive(Debug)]
pub(super) struct Counts {
    all: Vec<usize>,
    of: BTreeMap<String, Vec<usize>>,
}

impl Counts {
    /// Those of `--workers`.
    pub(super) fn of(args: &CompareArgs) -> Counts {
        let given = &args.workers;
        let own = workers::models(given).into_iter();
        Counts {
            all: workers::numbers(given, None),
            of: own
                .map(|model| (model.to_owned(), workers::numbers(given, Some(model))))
                .collect(),
        }
    }

    /// Refuses numbers for a model that does not take part. Known before anything is built.
    ///
    /// # Errors
    ///
    /// A usage error that names the model.
    pub(super) fn check_part(&self, taking_part: &[&str]) -> Result<(), Error> {
        let mut own = self.of.iter();
        match own.find(|(model, _)| !taking_part.contains(&model.as_str())) {
            None => Ok(()),
            Some((model, numbers)) => Err(Error::Usage(format!(
                "--workers {model}={}: `{model}` does not take part; add `--model {model}`, or leave its number out",
                numbers[0]
            ))),
        }
    }

    /// Refuses numbers for a model that has no use for them, once the contestants listed their
    /// variants.
    ///
    /// # Errors
    ///
    /// A usage error that names the model.
    pub(super) fn check_use(&self, contestants: &[Contestant]) -> Result<(), Error> {
        for (model, numbers) in &self.of {
            let mut found = contestants.iter();
            let found = found.find(|contestant| contestant.name == *model);
            // One that gave no hello gets a row that says so.
            let Some(contestant) = found.filter(|contestant| contestant.hello.is_ok()) else {
                continue;
            };
            if contestant.variants().iter().all(|one| one.ignores_workers) {
                return Err(Error::Usage(format!(
                    "--workers {model}={}: `{model}` takes no number of workers; leave it out",
                    numbers[0]
                )));
            }
        }
        Ok(())
    }

    /// The numbers for this variant, and whether each follows from the waits.
    fn numbers(
        &self,
        contestant: &Contestant,
        variant: &Variant,
        asked: Option<Asked>,
    ) -> Vec<(usize, bool)> {
        if variant.ignores_workers {
            return match variant.concurrency {
                Concurrency::Limited(limit) => vec![(limit, false)],
                _ => vec![(0, false)],
            };
        }
        let given = self.of.get(&contestant.name).unwrap_or(&self.all);
        if !given.is_empty() {
            return given.iter().map(|number| (*number, false)).collect();
        }
        let declared = &contestant.declared;
        let grows = variant.concurrency == Concurrency::Workers
            && !declared.per_core.contains(&variant.name);
        let most = declared.most_workers.unwrap_or(sizing::MOST);
        let cpus = num_cpus::get();
        let asked = asked.filter(|_| grows);
        let sized = asked.and_then(|asked| asked.at_most(most, cpus));
        std::iter::once((cpus, false))
            .chain(sized.map(|number| (number, true)))
            .collect()
    }
}

/// Whether the workload is what this model is for: any workload, unless its manifest names Items.
/// A job is of no Item, and every model may be right for it.
fn is_for(declared: &Declared, definition: &Definition) -> bool {
    let of_second = |item: u8| match item {
        third if third >= FIRST_OF_THIRD => third - EDITIONS_APART,
        second => second,
    };
    let purpose = &declared.purpose_items;
    if calls_job(definition) {
        return true;
    }
    let mut items = definition.items.iter().map(|item| of_second(*item));
    purpose.is_empty() || items.any(|item| purpose.contains(&item))
}

/// Whether a model takes part in any of these tables, so that it has to be built.
pub(super) fn takes_part(
    name: &str,
    declared: &Declared,
    models: &[(&str, Option<&str>)],
    definitions: &[Definition],
) -> bool {
    if name == SEQUENTIAL || models.iter().any(|(model, _)| *model == name) {
        return true;
    }
    let shows = |definition: &Definition| {
        let mut shown = definition
            .show
            .iter()
            .filter_map(|label| label.split_once('/'));
        shown.any(|(model, _)| model == name)
    };
    let mut definitions = definitions.iter();
    models.is_empty() && definitions.any(|one| is_for(declared, one) || shows(one))
}

/// The cells of a table: the variants that were named or, by default, each model's first and those
/// that the workload wants shown; each with every number of workers that makes a difference to it.
pub(super) fn entries<'c>(
    contestants: &'c [Contestant],
    models: &[(&str, Option<&str>)],
    definition: &Definition,
    counts: &Counts,
    asked: Option<Asked>,
) -> Vec<Entry<'c>> {
    let mut entries = Vec::new();
    for contestant in contestants {
        let named: Vec<Option<&str>> = models
            .iter()
            .filter(|(name, _)| *name == contestant.name)
            .map(|(_, variant)| *variant)
            .collect();
        for (place, variant) in contestant.variants().into_iter().enumerate() {
            let label = format!("{}/{}", contestant.name, variant.name);
            let shown = definition.show.contains(&label);
            let wanted = if named.is_empty() {
                shown || (place == 0 && is_for(&contestant.declared, definition))
            } else {
                named.contains(&Some(variant.name.as_str()))
                    || ((shown || place == 0) && named.contains(&None))
            };
            if !wanted {
                continue;
            }
            for (workers, sized) in counts.numbers(contestant, &variant, asked) {
                entries.push(Entry {
                    contestant,
                    variant: variant.clone(),
                    workers,
                    sized,
                    named: shown || !named.is_empty(),
                });
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests;
