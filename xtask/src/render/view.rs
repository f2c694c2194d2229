//! What tables, matrix and sentences all ask of the results.

use crate::results::{Cell, Interval, Results, Sample, Skipped, Workload};
use crate::stats::{BASELINE, counted, median};

/// How contestants are called in these results: with `×N` workers only where that tells two apart.
pub(super) struct Names {
    many: bool,
    many_baselines: bool,
}

impl Names {
    pub(super) fn new(results: &Results) -> Self {
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
            many: several(false),
            many_baselines: several(true),
        }
    }

    pub(super) fn cell(&self, cell: &Cell) -> String {
        self.name(&cell.model, &cell.variant, cell.workers)
    }

    /// Without `×N` where it is skipped whatever the number of workers, which is then 0.
    pub(super) fn skipped(&self, skipped: &Skipped) -> String {
        self.name(&skipped.model, &skipped.variant, skipped.workers)
    }

    fn name(&self, model: &str, variant: &str, workers: usize) -> String {
        let mut name = model.to_owned();
        if !variant.is_empty() {
            name = format!("{name}/{variant}");
        }
        let many = if is_baseline(model, variant) {
            self.many_baselines
        } else {
            self.many
        };
        if many && workers > 0 {
            format!("{name} ×{workers}")
        } else {
            name
        }
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
        Some(error) => format!("ERROR {error}"),
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

/// How a workload is called: with its number of tasks, or the rate of its requests, where the name alone is not enough.
pub(super) fn title(results: &Results, workload: &Workload, between: &str) -> String {
    let alike = results
        .workloads
        .iter()
        .filter(|other| other.name == workload.name)
        .count();
    if let (Some(rate), 2..) = (workload.rate, alike) {
        format!("{} at {rate}/s", workload.name)
    } else if alike > 1 {
        format!("{}{between}{}", workload.name, workload.tasks)
    } else {
        workload.name.clone()
    }
}
