//! Queries on the results, shared by tables, matrix and sentences.

use std::collections::{HashMap, HashSet};
use std::fmt;

use workload_stats::{Interval, median};

use super::number::number;
use super::text::remark;
use crate::results::{Cell, Results, Sample, Skipped, Workload};
use crate::stats::{BASELINE, counted};
use crate::text;

/// The names of contestants in one table, with `×N` workers where N differs from the processors of
/// the machine or tells two rows apart. Names are cleaned, and cut if they are long, so they are
/// for display only.
pub(crate) struct Names<'a> {
    cpus: usize,
    /// Contestants with several numbers of workers in this table.
    several: HashSet<(&'a str, &'a str)>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(results: &'a Results, workload: &Workload) -> Self {
        let cells = cells(results, workload).into_iter();
        let cells = cells.map(|cell| (cell.model.as_str(), cell.variant.as_str(), cell.workers));
        // One number may be skipped where the other is measured: two rows all the same.
        let skipped = skipped(results, workload).into_iter();
        let skipped = skipped.map(|it| (it.model.as_str(), it.variant.as_str(), it.workers));
        let mut first: HashMap<(&str, &str), usize> = HashMap::new();
        let mut several = HashSet::new();
        for (model, variant, workers) in cells.chain(skipped).filter(|row| row.2 > 0) {
            let known = *first.entry((model, variant)).or_insert(workers);
            if known != workers {
                several.insert((model, variant));
            }
        }
        Names {
            cpus: results.environment.cpus,
            several,
        }
    }

    pub(crate) fn cell(&self, cell: &Cell) -> String {
        self.row(&cell.model, &cell.variant, cell.workers)
    }

    /// Without `×N` where it is skipped whatever the number of workers, which is then 0.
    pub(crate) fn skipped(&self, skipped: &Skipped) -> String {
        self.row(&skipped.model, &skipped.variant, skipped.workers)
    }

    fn row(&self, model: &str, variant: &str, workers: usize) -> String {
        let unusual = self.cpus > 0 && workers != self.cpus && !is_baseline(model, variant);
        let shown = unusual || self.several.contains(&(model, variant));
        let row = Row {
            model,
            variant,
            workers: if shown { workers } else { 0 },
        };
        row.to_string()
    }
}

/// A row of a table or of a sweep.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Row<'a> {
    pub(crate) model: &'a str,
    pub(crate) variant: &'a str,
    /// 0 if the name does not show it.
    pub(crate) workers: usize,
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::name(self.model))?;
        if !self.variant.is_empty() {
            write!(f, "/{}", text::name(self.variant))?;
        }
        if self.workers > 0 {
            write!(f, " ×{}", self.workers)?;
        }
        Ok(())
    }
}

pub(crate) fn is_baseline(model: &str, variant: &str) -> bool {
    model == BASELINE && variant.is_empty()
}

/// The cells of one table, the best first, those without a rank last.
pub(crate) fn cells<'a>(results: &'a Results, workload: &Workload) -> Vec<&'a Cell> {
    let mut cells: Vec<&Cell> = results
        .cells
        .iter()
        .filter(|cell| cell.workload == workload.name && cell.tasks == workload.tasks)
        .filter(|cell| is_at(cell.rate, workload))
        .collect();
    cells.sort_by_key(|cell| cell.rank.unwrap_or(usize::MAX));
    cells
}

/// The cells skipped in one table; without a number of tasks, it was skipped for all of them.
pub(crate) fn skipped<'a>(results: &'a Results, workload: &Workload) -> Vec<&'a Skipped> {
    let same = |skipped: &&Skipped| {
        skipped.workload == workload.name
            && (skipped.tasks == 0 || skipped.tasks == workload.tasks)
            && is_at(skipped.rate, workload)
    };
    results.skipped.iter().filter(same).collect()
}

/// Whether this rate is that of the table; files of earlier versions have none.
fn is_at(rate: Option<f64>, workload: &Workload) -> bool {
    let bits = |rate: Option<f64>| rate.map(f64::to_bits);
    rate.is_none() || bits(rate) == bits(workload.rate)
}

/// Whether the cell has figures to show.
pub(crate) fn measured(cell: &Cell) -> bool {
    cell.counts() && cell.wall_ns.is_some()
}

/// Why a cell has no figures, for one that has none.
pub(crate) fn failure(cell: &Cell) -> String {
    match &cell.error {
        Some(error) => format!("ERROR {}", remark(error)),
        None if !cell.counts() => "ERROR its answers were not verified".to_owned(),
        None => "no samples".to_owned(),
    }
}

/// The median of something over the samples that count.
pub(crate) fn typical(cell: &Cell, of: impl Fn(&Sample) -> u64) -> Option<f64> {
    let values: Vec<f64> = counted(cell)
        .into_iter()
        .map(|sample| of(sample) as f64)
        .collect();
    median(&values)
}

/// Both bounds, where there are both.
pub(crate) fn bounds(interval: &Interval) -> Option<(f64, f64)> {
    interval.low.zip(interval.high)
}

/// A metric that a contestant reported; `None` if it is missing or impossible: not a number,
/// negative, or over 64 bits.
pub(crate) fn metric(cell: &Cell, name: &str) -> Option<f64> {
    let value = cell.metrics.get(name).copied();
    value.filter(|value| (0.0..=u64::MAX as f64).contains(value))
}

/// How a workload is called: with its number of tasks, or the rate of its requests, where the name
/// alone is not enough.
pub(crate) fn title(results: &Results, workload: &Workload, between: &str) -> String {
    let name = text::name(&workload.name);
    match (is_alone(results, workload), workload.rate) {
        (true, _) => name,
        (false, Some(rate)) => format!("{name} at {}/s", number(rate)),
        (false, None) => format!("{name}{between}{}", workload.tasks),
    }
}

/// The same in a sentence: `waits with 200 tasks`.
pub(crate) fn title_in_words(results: &Results, workload: &Workload) -> String {
    let title = title(results, workload, " with ");
    if is_alone(results, workload) || workload.rate.is_some() {
        title
    } else {
        title + " tasks"
    }
}

fn is_alone(results: &Results, workload: &Workload) -> bool {
    let named = |other: &&Workload| other.name == workload.name;
    results.workloads.iter().filter(named).count() < 2
}
