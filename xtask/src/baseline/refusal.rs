//! Differences in machine or settings that make a comparison with an earlier one meaningless.
//!
//! A refusal is what changes the work or the machine under all cells, so that no figure could be
//! attributed to a model. A doubt is what a user may want to compare (another compiler, another
//! system), or what takes cells away without touching the others.

use crate::results::{Environment, Results};
use crate::text::{clean, cut};

/// Longer texts from a file are cut in a message.
const MOST_COLUMNS: usize = 60;

/// The work of this comparison, as far as it is known before anything is built.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The machine.
    pub environment: &'a Environment,
    /// Whether it is a smoke run.
    pub smoke: bool,
    /// The calibration given on the command line.
    pub iterations_per_us: Option<u64>,
    /// The numbers of workers.
    pub workers: &'a [usize],
    /// The tables.
    pub tables: Vec<Table>,
}

/// A table that will be measured.
#[derive(Debug, Clone)]
pub struct Table {
    /// The workload's name.
    pub name: String,
    /// The number of tasks.
    pub tasks: usize,
    /// The seed of its inputs.
    pub seed: u64,
    /// With the pattern `serve`: requests a second.
    pub rate: Option<f64>,
}

/// Why this comparison cannot be held against the earlier one, in one line with the remedy.
pub fn refusal(asked: &Asked<'_>, then: &Results) -> Option<String> {
    machine(asked.environment, &then.environment)
        .or_else(|| settings(asked, then))
        .or_else(|| tables(&asked.tables, then))
}

fn machine(now: &Environment, then: &Environment) -> Option<String> {
    let elsewhere = "measure the baseline anew on this machine";
    if !then.cpu.is_empty() && !now.cpu.is_empty() && then.cpu != now.cpu {
        return Some(format!(
            "it ran on another processor ({}, here {}); {elsewhere}",
            short(&then.cpu),
            short(&now.cpu)
        ));
    }
    (then.cpus > 0 && now.cpus > 0 && then.cpus != now.cpus).then(|| {
        format!(
            "it had another number of processors ({}, here {}); {elsewhere}, or give this run as \
             many",
            then.cpus, now.cpus
        )
    })
}

fn settings(asked: &Asked<'_>, then: &Results) -> Option<String> {
    if asked.smoke != then.settings.smoke {
        let (was, remedy) = match then.settings.smoke {
            true => ("was", "measure the baseline anew without --smoke"),
            false => ("was not", "leave --smoke out"),
        };
        return Some(format!(
            "it {was} a smoke run, and this one differs; {remedy}"
        ));
    }
    let before = then.environment.iterations_per_us;
    if let Some(now) = asked.iterations_per_us
        && before > 0
        && now != before
    {
        return Some(format!(
            "its tasks had {before} iterations a microsecond, these would have {now}, which is \
             other work; leave --iterations-per-us out"
        ));
    }
    let (now, before) = (asked.workers, &then.settings.workers);
    let none_in_common = !now.iter().any(|workers| before.contains(workers));
    (none_in_common && !before.is_empty() && !now.is_empty()).then(|| {
        format!(
            "it had other numbers of workers ({}, here {}); repeat its --workers",
            numbers(before),
            numbers(now)
        )
    })
}

fn tables(tables: &[Table], then: &Results) -> Option<String> {
    let named = |table: &Table| {
        let mut before = then.workloads.iter();
        before.any(|other| other.name == table.name)
    };
    let other_seed = tables.iter().find_map(|table| {
        let mut before = then.workloads.iter();
        let before = before.find(|other| is_same(table, other))?;
        (before.seed != table.seed).then_some((table, before.seed))
    });
    if let Some((table, before)) = other_seed {
        return Some(format!(
            "its inputs of {} had the seed {before}, these would have {}; leave --seed out",
            short(&table.name),
            table.seed
        ));
    }
    if tables.is_empty() || tables.iter().any(|table| has(then, table)) {
        return None;
    }
    Some(match tables.iter().find(|table| named(table)) {
        Some(table) => format!(
            "it has {} with another number of tasks or another rate; repeat its --tasks and --rate",
            short(&table.name)
        ),
        None => "it has none of these workloads; name some that it has".to_owned(),
    })
}

fn is_same(table: &Table, other: &crate::results::Workload) -> bool {
    let bits = |rate: Option<f64>| rate.map(f64::to_bits);
    other.name == table.name && other.tasks == table.tasks && bits(other.rate) == bits(table.rate)
}

fn has(then: &Results, table: &Table) -> bool {
    then.workloads.iter().any(|other| is_same(table, other))
}

/// Reasons to read the comparison with care, a sentence each.
pub fn doubts(asked: &Asked<'_>, then: &Results) -> Vec<String> {
    let mut doubts: Vec<String> = then.doubts().into_iter().map(str::to_owned).collect();
    let absent: Vec<String> = asked
        .tables
        .iter()
        .filter(|table| !has(then, table))
        .map(|table| format!("{} with {} tasks", short(&table.name), table.tasks))
        .collect();
    if !absent.is_empty() {
        doubts.push(cut(
            &format!("the earlier comparison does not have {}", absent.join(", ")),
            10 * MOST_COLUMNS,
        ));
    }
    let missing = asked
        .workers
        .iter()
        .filter(|it| !then.settings.workers.contains(it));
    let missing: Vec<usize> = missing.copied().collect();
    if !missing.is_empty() && !then.settings.workers.is_empty() {
        let missing = numbers(&missing);
        doubts.push(format!(
            "the earlier comparison had no cells with {missing} workers"
        ));
    }
    doubts
}

fn numbers(numbers: &[usize]) -> String {
    let shown: Vec<String> = numbers.iter().map(usize::to_string).collect();
    short(&shown.join(","))
}

fn short(text: &str) -> String {
    cut(&clean(text), MOST_COLUMNS)
}
