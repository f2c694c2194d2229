//! The contenders by a first comparison, and the numbers of workers that they are tried with.

use std::collections::BTreeSet;

use crate::cli::workers::{MOST, Workers};
use crate::render::race::{Race, Standing};
use crate::results::{Results, Verdict};
use crate::stats::BASELINE;

/// A contestant whose interval begins below this ratio to the best may still be the best one with
/// another number of workers.
const NEAR: f64 = 1.25;

/// The most contenders.
const MOST_CONTENDERS: usize = 5;

/// A contestant that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contender {
    pub(super) model: String,
    /// `model` or `model/variant`.
    pub(super) label: String,
    /// The numbers of workers to try; none where it takes none.
    pub(super) workers: Vec<usize>,
}

/// The contenders, the best first; the one that is best if all others failed.
pub(super) fn of(scouted: &Results) -> Vec<Contender> {
    let Some(table) = scouted.workloads.first() else {
        return Vec::new();
    };
    let race = Race::of(scouted, table);
    let mut contenders: Vec<Contender> = Vec::new();
    let rivals = race.rows.iter().filter(|row| row.is_rival);
    for row in rivals.filter(|row| row.cell.model != BASELINE) {
        let label = row.cell.contestant();
        let is_known = contenders.iter().any(|known| known.label == label);
        let is_room = contenders.len() < MOST_CONTENDERS;
        if !is_known && (contenders.is_empty() || (is_room && may_win(row))) {
            contenders.push(Contender {
                model: row.cell.model.clone(),
                workers: around(&race, row, scouted.environment.cpus, table.tasks),
                label,
            });
        }
    }
    contenders
}

fn may_win(row: &Standing<'_>) -> bool {
    let bound = row.ratio.and_then(|ratio| ratio.low.or(Some(ratio.median)));
    let is_near = bound.is_some_and(|low| low <= NEAR);
    is_near && row.verdict != Verdict::SlowerByOneSample
}

/// Half, once and twice what did best, and one for each processor.
fn around(race: &Race<'_>, best: &Standing<'_>, cpus: usize, tasks: usize) -> Vec<usize> {
    let cells = || {
        let rows = race.rows.iter().map(|row| row.cell);
        rows.filter(|cell| cell.model == best.cell.model && cell.variant == best.cell.variant)
    };
    // A variant that limits itself has that number and no other.
    let takes_numbers = cells().any(|cell| cell.sized || cell.workers == cpus);
    let workers = best.cell.workers;
    if workers == 0 || !takes_numbers {
        return Vec::new();
    }
    let tried = [cpus, workers / 2, workers, workers * 2];
    let tried = tried.into_iter().chain(cells().map(|cell| cell.workers));
    let limits = 1..=tasks.clamp(1, MOST as usize);
    let tried: BTreeSet<usize> = tried.filter(|number| limits.contains(number)).collect();
    tried.into_iter().collect()
}

/// As `--workers` says it.
pub(super) fn workers(contenders: &[Contender]) -> Vec<Workers> {
    let mut of_models: Vec<(&str, BTreeSet<usize>)> = Vec::new();
    for contender in contenders {
        match of_models
            .iter_mut()
            .find(|(model, _)| *model == contender.model)
        {
            Some((_, numbers)) => numbers.extend(&contender.workers),
            None => of_models.push((
                &contender.model,
                contender.workers.iter().copied().collect(),
            )),
        }
    }
    let with_numbers = of_models
        .into_iter()
        .filter(|(_, numbers)| !numbers.is_empty());
    with_numbers
        .map(|(model, numbers)| Workers::of(model, numbers))
        .collect()
}
