//! Queries on the results, shared by tables, matrix and sentences.

use std::fmt;

use super::number::number;
use super::text::remark;
use crate::results::{Cell, Interval, Results, Sample, Skipped, Workload};
use crate::stats::{BASELINE, counted, median};
use crate::text;

/// The names of contestants in these results, with `×N` workers if several numbers were compared, or
/// if N is not what all models had: a number of its own, or one that follows from the waits. Names are cleaned, and cut if they are long, so they are for display only; [`Names::row`]
/// tells contestants apart.
pub(super) struct Names {
    many: bool,
    many_baselines: bool,
    /// The number that all models had, if it was one.
    usual: Option<usize>,
}

impl Names {
    pub(super) fn new(results: &Results) -> Self {
        let usual = match results.settings.workers[..] {
            [usual] => Some(usual),
            _ => None,
        };
        let several = |baseline: bool| {
            let cells = results
                .cells
                .iter()
                .map(|cell| (&cell.model, &cell.variant, cell.workers));
            // One number may be skipped where the other is measured: two rows all the same.
            let skipped = results
                .skipped
                .iter()
                .map(|skipped| (&skipped.model, &skipped.variant, skipped.workers));
            let mut workers = cells
                .chain(skipped)
                .filter(|(model, variant, _)| is_baseline(model, variant) == baseline)
                .map(|(_, _, workers)| workers)
                .filter(|workers| *workers > 0);
            let first = workers.next();
            workers.any(|other| Some(other) != first)
        };
        Self {
            many: usual.is_none() && several(false),
            many_baselines: several(true),
            usual,
        }
    }

    pub(super) fn cell(&self, cell: &Cell) -> String {
        let mut row = self.row_of_cell(cell);
        let has_own = self.usual.is_some_and(|usual| usual != cell.workers);
        if has_own && !is_baseline(row.model, row.variant) {
            row.workers = cell.workers;
        }
        row.to_string()
    }

    /// The row of a cell in a matrix. All numbers of workers share a row unless the user compared
    /// several.
    pub(super) fn row_of_cell<'a>(&self, cell: &'a Cell) -> Row<'a> {
        self.row(&cell.model, &cell.variant, cell.workers)
    }

    /// The same for a skipped cell.
    pub(super) fn row_of_skipped<'a>(&self, skipped: &'a Skipped) -> Row<'a> {
        self.row(&skipped.model, &skipped.variant, skipped.workers)
    }

    /// Without `×N` where it is skipped whatever the number of workers, which is then 0.
    pub(super) fn skipped(&self, skipped: &Skipped) -> String {
        self.row_of_skipped(skipped).to_string()
    }

    fn row<'a>(&self, model: &'a str, variant: &'a str, workers: usize) -> Row<'a> {
        let many = if is_baseline(model, variant) {
            self.many_baselines
        } else {
            self.many
        };
        Row {
            model,
            variant,
            workers: if many { workers } else { 0 },
        }
    }
}

/// A row of the matrix or of a sweep.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Row<'a> {
    pub(super) model: &'a str,
    pub(super) variant: &'a str,
    /// 0 if the name does not show it.
    pub(super) workers: usize,
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

pub(super) fn is_baseline(model: &str, variant: &str) -> bool {
    model == BASELINE && variant.is_empty()
}

/// The cells of one table, the best first, those without a rank last.
pub(super) fn cells<'a>(results: &'a Results, workload: &Workload) -> Vec<&'a Cell> {
    let mut cells: Vec<&Cell> = results
        .cells
        .iter()
        .filter(|cell| cell.workload == workload.name && cell.tasks == workload.tasks)
        .collect();
    cells.sort_by_key(|cell| cell.rank.unwrap_or(usize::MAX));
    cells
}

/// What was skipped in one table; without a number of tasks, it was skipped for all of them.
pub(super) fn skipped<'a>(results: &'a Results, workload: &Workload) -> Vec<&'a Skipped> {
    let same = |skipped: &&Skipped| {
        skipped.workload == workload.name && (skipped.tasks == 0 || skipped.tasks == workload.tasks)
    };
    results.skipped.iter().filter(same).collect()
}

/// Whether the cell has figures to show.
pub(super) fn measured(cell: &Cell) -> bool {
    cell.error.is_none() && cell.verified && cell.wall_ns.is_some()
}

/// Why a cell has no figures, for one that has none.
pub(super) fn failure(cell: &Cell) -> String {
    match &cell.error {
        Some(error) => format!("ERROR {}", remark(error)),
        None if !cell.verified => "ERROR its answers were not verified".to_owned(),
        None => "no samples".to_owned(),
    }
}

/// The median of something over the samples that count.
pub(super) fn typical(cell: &Cell, of: impl Fn(&Sample) -> u64) -> Option<f64> {
    let values: Vec<f64> = counted(cell)
        .into_iter()
        .map(|sample| of(sample) as f64)
        .collect();
    median(&values)
}

/// Both bounds, where there are both.
pub(super) fn bounds(interval: &Interval) -> Option<(f64, f64)> {
    interval.low.zip(interval.high)
}

/// A metric that a contestant reported; `None` if it is missing or impossible: not a number,
/// negative, or over 64 bits.
pub(super) fn metric(cell: &Cell, name: &str) -> Option<f64> {
    let value = cell.metrics.get(name).copied();
    value.filter(|value| (0.0..=u64::MAX as f64).contains(value))
}

/// How a workload is called: with its number of tasks, or the rate of its requests, where the name alone is not enough.
pub(super) fn title(results: &Results, workload: &Workload, between: &str) -> String {
    let name = text::name(&workload.name);
    match (is_alone(results, workload), workload.rate) {
        (true, _) => name,
        (false, Some(rate)) => format!("{name} at {}/s", number(rate)),
        (false, None) => format!("{name}{between}{}", workload.tasks),
    }
}

/// The same in a sentence: `waits with 200 tasks`.
pub(super) fn title_in_words(results: &Results, workload: &Workload) -> String {
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
