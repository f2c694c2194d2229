//! The decision: the simplest contestant that is as good as the best one.

use serde::{Deserialize, Serialize};
use workload_stats::Interval;

use super::bounds::Work;
use crate::render::models::simplicity;
use crate::render::race::{Race, Standing};
use crate::results::{Results, Verdict, Workload};
use crate::stats::BASELINE;

/// A simpler contestant is taken if its estimate is at most this much above the best one's, as a
/// part of 1, and it was not shown to be slower.
const FOR_SIMPLICITY: f64 = 0.02;

/// A contestant without an interval is no candidate beyond this ratio to the best.
const FAR_OFF: f64 = 1.5;

/// More workers than this for each processor are many.
const MANY_PER_CPU: usize = 16;

/// The form of a job's function, as [`Cell::function`](crate::results::Cell::function) begins.
const ASYNC_FORM: &str = "`run_async`";

/// The kind of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Take this one.
    Take,
    /// Concurrency does not pay.
    Sequential,
    /// Not decided between several; the simplest of them is given.
    Open,
    /// Faster than the bounds allow, so one of both is wrong. Nothing is advised.
    Disagreement,
    /// Nothing was measured.
    Unmeasured,
}

/// Numbers of workers that are as good as any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workers {
    /// The one to take.
    pub take: usize,
    /// The fewest.
    pub least: usize,
    /// The most.
    pub most: usize,
    /// Whether that is the largest number that was measured, so that more may do as well.
    pub or_more: bool,
}

/// A contestant that is taken, or could be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// The model.
    pub model: String,
    /// The variant; empty for the default one.
    pub variant: String,
    /// Null where it takes no number.
    pub workers: Option<Workers>,
    /// The time of `sequential` ÷ its time.
    pub speedup: Option<Interval>,
    /// Its time ÷ that of the best.
    pub ratio_to_best: Option<Interval>,
    /// Its time.
    pub wall_ns: Option<Interval>,
    /// Resident memory at its highest, less what was resident after loading.
    pub memory_bytes: Option<u64>,
    /// The least time by the bounds, with as many tasks at once as its model declares; null where
    /// there are no bounds.
    #[serde(default)]
    pub least_ns: Option<f64>,
    /// Whether it was shown to be as fast as the best within the margin.
    pub is_shown: bool,
}

impl Taken {
    /// `model` or `model/variant`.
    pub fn label(&self) -> String {
        match self.variant.is_empty() {
            true => self.model.clone(),
            false => format!("{}/{}", self.model, self.variant),
        }
    }
}

/// The answer of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its kind.
    pub verdict: Outcome,
    /// The contestant to take; null where nothing is advised.
    pub taken: Option<Taken>,
    /// The others that were not shown to be slower, the simplest first.
    pub others: Vec<Taken>,
    /// The fastest by its estimate; with a disagreement, the one that is faster than its bound.
    pub fastest: Option<Taken>,
}

/// Decides by the first table of the results.
pub(super) fn decide(results: &Results, work: Option<&Work>) -> Decision {
    match results.workloads.first() {
        Some(table) => decide_table(results, table, work),
        None => undecided(),
    }
}

fn undecided() -> Decision {
    Decision {
        verdict: Outcome::Unmeasured,
        taken: None,
        others: Vec::new(),
        fastest: None,
    }
}

/// Decides by one table.
pub(super) fn decide_table(results: &Results, table: &Workload, work: Option<&Work>) -> Decision {
    let race = Race::of(results, table);
    let margin = results.settings.margin();
    let mut candidates = candidates(&race, margin);
    for one in &mut candidates {
        one.least_ns = work.and_then(|work| least(&race, one, work, results.environment.cpus));
    }
    let Some(fastest) = race.winner().and_then(|winner| {
        let label = winner.cell.contestant();
        candidates.iter().find(|one| one.label() == label).cloned()
    }) else {
        return undecided();
    };
    let noise = margin.max(results.settings.floor());
    let doubt = work.map_or(noise, |work| noise.max(work.doubt()));
    if let Some(wrong) = candidates.iter().find(|one| is_impossible(one, doubt)) {
        return Decision {
            verdict: Outcome::Disagreement,
            taken: None,
            others: Vec::new(),
            fastest: Some(wrong.clone()),
        };
    }
    candidates.retain(|one| not_slower(&race, one));
    candidates.sort_by_key(|one| simplicity(&one.model));
    let is_close = |one: &&Taken| {
        let estimate = one.ratio_to_best.map(|ratio| ratio.median);
        let is_good_enough = one.model == BASELINE && one.is_shown;
        let is_first = is_good_enough || one.label() == fastest.label();
        is_first || estimate.is_some_and(|it| it <= 1.0 + FOR_SIMPLICITY)
    };
    // The fastest is one of them, so there is a first.
    let simplest = candidates.iter().find(is_close).unwrap_or(&fastest);
    let grows = |one: &Taken| grows_with_the_job(one, table.tasks, results.environment.cpus);
    let is_within_margin = |one: &&Taken| {
        let estimate = one.ratio_to_best.map(|ratio| ratio.median);
        !grows(one) && estimate.is_some_and(|it| it <= 1.0 + margin)
    };
    let instead = candidates.iter().find(is_within_margin);
    let taken = instead.filter(|_| grows(simplest)).unwrap_or(simplest);
    let taken = taken.clone();
    candidates.retain(|one| one.label() != taken.label());
    let is_open = !taken.is_shown || candidates.iter().any(|one| !one.is_shown);
    // Its only samples were faster: nothing was shown, and more of them may show it.
    let is_rushed = candidates.iter().any(|one| {
        let ratio = one.ratio_to_best.filter(|ratio| ratio.low.is_none());
        ratio.is_some_and(|ratio| ratio.median < 1.0 - margin)
    });
    let verdict = match () {
        () if taken.model == BASELINE && taken.is_shown && !is_rushed => Outcome::Sequential,
        () if is_open => Outcome::Open,
        () => Outcome::Take,
    };
    Decision {
        verdict,
        taken: Some(taken),
        others: candidates,
        fastest: Some(fastest),
    }
}

/// Whether it takes a worker for each of many tasks. That number is no advice for a job with more
/// tasks, and a model that awaits is simpler than a pool that has to grow.
fn grows_with_the_job(one: &Taken, tasks: usize, cpus: usize) -> bool {
    let workers = one.workers.map_or(0, |workers| workers.take);
    workers >= tasks && workers > MANY_PER_CPU * cpus
}

/// The least time of this candidate. There is none where it calls the async form of a job's
/// function: the work of `sequential` is that of the blocking form.
fn least(race: &Race<'_>, one: &Taken, work: &Work, cpus: usize) -> Option<f64> {
    let workers = one.workers.map(|workers| workers.take);
    let cells = race.rows.iter().map(|row| row.cell);
    let mut cells = cells.filter(|cell| cell.contestant() == one.label());
    let cell = cells.find(|cell| workers.is_none_or(|take| cell.workers == take))?;
    let is_other_code = |calls: &String| calls.starts_with(ASYNC_FORM);
    if cell.function.as_ref().is_some_and(is_other_code) {
        return None;
    }
    Some(match cell.at_once {
        Some(at_once) => work.least_ns_with(at_once, cpus),
        None => work.bounds(cpus).least_ns,
    })
}

/// Whether it took less time than anything can, beyond what noise explains.
fn is_impossible(one: &Taken, doubt: f64) -> bool {
    let wall = one.wall_ns.map(|wall| wall.high.unwrap_or(wall.median));
    let pair = wall.zip(one.least_ns);
    pair.is_some_and(|(wall, least)| wall < least * (1.0 - doubt))
}

fn not_slower(race: &Race<'_>, one: &Taken) -> bool {
    let row = race.row(&one.model, &one.variant);
    row.is_some_and(|row| !is_slower(row.verdict) && !is_far_off(row))
}

/// Whether it has too few samples for an interval, and took much longer in them.
fn is_far_off(row: &Standing<'_>) -> bool {
    row.ratio
        .is_some_and(|ratio| ratio.low.is_none() && ratio.median > FAR_OFF)
}

fn is_slower(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Slower | Verdict::SlowerByOneSample)
}

/// Each contestant with its numbers of workers.
fn candidates(race: &Race<'_>, margin: f64) -> Vec<Taken> {
    let mut labels: Vec<String> = Vec::new();
    let mut candidates = Vec::new();
    for row in race.rows.iter().filter(|row| row.is_rival) {
        let label = row.cell.contestant();
        if labels.contains(&label) {
            continue;
        }
        let rows = race.rows.iter();
        let rows = rows.filter(|other| other.cell.contestant() == label);
        candidates.push(candidate(&rows.collect::<Vec<_>>(), margin));
        labels.push(label);
    }
    candidates
}

/// One contestant by its rows, the fastest first.
fn candidate(rows: &[&Standing<'_>], margin: f64) -> Taken {
    let best = rows[0];
    let workers = flat(rows, margin);
    let shown = workers.and_then(|workers| {
        let mut rows = rows.iter();
        rows.find(|row| row.cell.workers == workers.take)
    });
    let row = shown.unwrap_or(&best);
    Taken {
        model: row.cell.model.clone(),
        variant: row.cell.variant.clone(),
        workers,
        speedup: row.cell.speedup,
        ratio_to_best: row.ratio,
        wall_ns: row.cell.judged(),
        memory_bytes: row.cell.rss_peak_bytes,
        least_ns: None,
        is_shown: matches!(best.verdict, Verdict::Best | Verdict::Fast),
    }
}

/// The numbers of workers around the best one that are as good, by their estimates. `None` where it
/// takes no number.
fn flat(rows: &[&Standing<'_>], margin: f64) -> Option<Workers> {
    let estimate = |row: &Standing<'_>| row.ratio.map(|ratio| ratio.median);
    let mut points: Vec<(usize, f64, bool)> = rows
        .iter()
        .filter(|row| row.cell.workers > 0)
        .filter_map(|row| Some((row.cell.workers, estimate(row)?, is_slower(row.verdict))))
        .collect();
    points.sort_by_key(|point| point.0);
    let best = points
        .iter()
        .map(|point| point.1)
        .fold(f64::INFINITY, f64::min);
    let at = points.iter().position(|point| point.1 == best)?;
    // One that is shown to be slower than the best of all may be the best of a slow model.
    let all_slower = points[at].2;
    let fits = |point: &&(usize, f64, bool), part: f64| {
        point.1 <= best * (1.0 + part) && (all_slower || !point.2)
    };
    let up = points[at..].iter().take_while(|point| fits(point, margin));
    let down = points[..=at].iter().rev();
    let down = down.take_while(|point| fits(point, margin));
    let (least, most) = (down.last()?.0, up.last()?.0);
    let mut within = points
        .iter()
        .filter(|point| (least..=most).contains(&point.0));
    Some(Workers {
        take: within.find(|point| fits(point, FOR_SIMPLICITY))?.0,
        least,
        most,
        or_more: points.last().is_some_and(|last| last.0 == most),
    })
}

#[cfg(test)]
pub(super) mod tests;
