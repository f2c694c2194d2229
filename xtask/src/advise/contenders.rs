//! The contenders by a first comparison, and the numbers of workers that they are tried with.

use std::collections::BTreeSet;

use crate::cli::workers::{MOST, Workers};
use crate::render::race::{Race, Standing};
use crate::results::{Cell, Results};
use crate::stats::BASELINE;

/// A contestant whose interval begins below this ratio to the best may still be the best one with
/// another number of workers.
const NEAR: f64 = 1.25;

/// One without an interval was sampled once or twice, perhaps while other programs were busy.
const NEAR_BY_FEW_SAMPLES: f64 = 3.0;

/// A number of workers that took less than this many times as long as the best one of its
/// contestant is measured again.
const WORTH_A_SECOND_LOOK: f64 = 1.5;

/// The most contenders.
const MOST_CONTENDERS: usize = 6;

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
    row.ratio.is_some_and(|ratio| match ratio.low {
        Some(low) => low <= NEAR,
        None => ratio.median <= NEAR_BY_FEW_SAMPLES,
    })
}

/// The numbers of workers to try with a contestant; none where it takes none.
///
/// Half, once and twice what did best, what the waits of `sequential` ask for, and what was not
/// much slower. The fewest are left out where tasks wait: they take longest to measure.
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
    let median = |cell: &Cell| cell.wall_ns.map(|wall| wall.median);
    let limit = median(best.cell).map(|best| best * WORTH_A_SECOND_LOOK);
    let not_much_slower = cells()
        .filter(|cell| {
            median(cell)
                .zip(limit)
                .is_some_and(|(wall, limit)| wall <= limit)
        })
        .map(|cell| cell.workers);
    // Only a model with a second number grows with the waits, and one whose number is smaller than
    // that of others has a ceiling: its workers are processes.
    let sized = cells().filter(|cell| cell.sized).map(|cell| cell.workers);
    let sized = sized.max();
    let all = race.rows.iter().filter(|row| row.cell.sized);
    let most = all.map(|row| row.cell.workers).max();
    let asked = by_waits(race, cpus).filter(|_| sized.is_some() && sized == most);
    let limits = 1..=tasks.clamp(1, MOST as usize);
    // A single worker is `sequential`, at a price.
    let half = Some(workers / 2).filter(|half| *half > 1);
    let tried = [workers, workers * 2].into_iter().chain(half).chain(asked);
    let mut tried: BTreeSet<usize> = tried.chain(not_much_slower).map(|n| n.min(tasks)).collect();
    tried.retain(|number| limits.contains(number));
    tried.into_iter().collect()
}

/// The number of workers that keeps all processors busy, by the time and the CPU time of
/// `sequential`, without the ceiling of a comparison.
fn by_waits(race: &Race<'_>, cpus: usize) -> Option<usize> {
    let cells = race.rows.iter().map(|row| row.cell);
    let mut cells = cells.filter(|cell| cell.model == BASELINE);
    let samples = &cells.next()?.samples;
    let samples = samples.iter().filter(|sample| sample.cpu_ns > 0);
    let share = samples.map(|sample| sample.wall_ns as f64 / sample.cpu_ns as f64);
    let workers = share.fold(f64::INFINITY, f64::min) * cpus as f64;
    (workers.is_finite() && workers >= 1.0)
        .then(|| (workers.min(MOST as f64).ceil() as usize).next_power_of_two())
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

#[cfg(test)]
mod tests;
